//! What people experience, one file a theme.

mod basic;
mod delivery;
mod element_life;
mod languages;
mod late_welcome;
mod loading;
mod looks;
mod other_site;
mod outage;
mod reading;
mod strict_page;
mod text;
mod two_people;
mod writing;
