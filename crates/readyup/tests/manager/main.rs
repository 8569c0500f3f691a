//! The manager's side, against hand-made datagrams.

#[path = "../support/mod.rs"]
mod support;

mod any_life;
mod believing;
mod listener;
mod rules;
mod service;
mod socket;
mod testing;
