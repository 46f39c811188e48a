//! Roomlet.
