//! Providers' events to ours, shared by the protocols that carry them.
