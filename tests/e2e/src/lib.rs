//! The whole widget in a browser.
