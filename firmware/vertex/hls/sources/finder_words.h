#ifndef @TOP@_FINDER_WORDS_H_
#define @TOP@_FINDER_WORDS_H_

// Words and values: a field of a track word, and the bits of a fixed-point number.

#include "finder_parameters.h"

namespace @top@_parts {

// BITS bits of a track word, from bit LOW.
template <unsigned LOW, unsigned BITS> ap_uint<BITS> field(const track_word_t &word) {
#pragma HLS INLINE
    return word.range(LOW + BITS - 1, LOW);
}

// Magnitude of a signed field: n where n is not negative, -n - 1 where it is.
template <unsigned LOW, unsigned BITS> ap_uint<BITS - 1> magnitude(const track_word_t &word) {
#pragma HLS INLINE
    const ap_uint<BITS> bits = field<LOW, BITS>(word);
    const ap_uint<BITS - 1> low = bits.range(BITS - 2, 0);
    return bits[BITS - 1] ? ap_uint<BITS - 1>(~low) : low;
}

template <class Fixed> void set_word(Fixed &value, const ap_uint<Fixed::width> &word) {
#pragma HLS INLINE
    value.range(Fixed::width - 1, 0) = word.range(Fixed::width - 1, 0);
}

template <class Fixed> ap_uint<Fixed::width> word_of(const Fixed &value) {
#pragma HLS INLINE
    return value.range(Fixed::width - 1, 0);
}

} // namespace @top@_parts

#endif
