//! The only place that spawns: an agent under its keeper, its pipes, and the climb down its stop ladder.
