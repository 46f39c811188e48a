//! What people experience, one file a theme.

mod asking_the_page;
mod basic;
mod built_in;
mod delivery;
mod demo;
mod discretion;
mod element_life;
mod events;
mod graphql;
mod languages;
mod late_welcome;
mod loading;
mod looks;
mod other_site;
mod outage;
mod reading;
mod refused;
mod signing_in;
mod signing_out;
mod strict_page;
mod text;
mod two_people;
mod writing;
