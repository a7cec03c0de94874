#ifndef @TOP@_H_
#define @TOP@_H_

#include "finder_types.h"

// The vertex finder. One call handles one event.
//
// in         track words, LANES a clock; ends with a clock that has `last`
// threshold  association word from which on a track belongs to the vertex
// accepted   for every clock of `in`: the lanes whose track was kept
// vertex     one an event
// out        the kept tracks of the event, with weight and association; ends with a clock that has `last`
void @top@(hls::stream<@top@_parts::clock_in_t> &in, @top@_parts::association_word_t threshold,
           hls::stream<@top@_parts::accepted_t> &accepted, hls::stream<@top@_parts::vertex_t> &vertex,
           hls::stream<@top@_parts::clock_out_t> &out);

#endif
