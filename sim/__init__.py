"""Simulation: `sim.events` makes events, `sim.bench` holds the benches of the RTL simulator."""
