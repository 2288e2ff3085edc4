//! Whole diagnoses of one lab.

mod fault;
mod faults;
mod lab;
mod of_leases;
mod of_links;
mod of_routes;
mod of_settings;
mod seldom;
mod wire;
