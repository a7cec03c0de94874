# The vertex finder in Vitis HLS: vitis-run --mode hls --tcl build_prj.tcl, or vitis_hls -f build_prj.tcl
# Steps are switched in build_opt.tcl.

set folder [file normalize [file dirname [info script]]]
source [file join $folder project.tcl]
source [file join $folder build_opt.tcl]

set flags "-std=c++14 -I[file join $folder firmware]"

if {$opt(reset)} {
    open_project -reset ${project_name}_prj
} else {
    open_project ${project_name}_prj
}
set_top ${project_name}
foreach source $sources {
    add_files [file join $folder firmware $source] -cflags $flags
}
add_files -tb [file join $folder ${project_name}_test.cpp] -cflags "$flags -I$folder"
add_files -tb [file join $folder tb_data]
if {$opt(reset)} {
    open_solution -reset -flow_target vivado solution1
} else {
    open_solution -flow_target vivado solution1
}
config_compile -name_max_length 80
set_part $part
create_clock -period $clock_period -name default
set_clock_uncertainty $clock_uncertainty default

# The test bench compares every integer with tb_data/expected.txt and fails on any difference.
if {$opt(csim)} {
    csim_design
}
if {$opt(synth)} {
    csynth_design
}
if {$opt(cosim)} {
    cosim_design
}
if {$opt(export)} {
    export_design -format ip_catalog -version $version
}
exit
