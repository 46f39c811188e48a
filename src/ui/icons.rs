//! Icons, built through the DOM: no markup strings, which a strict page would refuse.

use leptos::prelude::*;
use leptos::svg;
use web_sys::{Document, Element};

const SVG: &str = "http://www.w3.org/2000/svg";
const CHECK: &str = "m9.5 17.2-5-5 1.4-1.4 3.6 3.6 8.6-8.6 1.4 1.4Z";
const CLOCK: &str = "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 18a8 8 0 1 1 0-16 8 8 0 0 1 0 16Zm1-13h-2v6l5 3 1-1.6-4-2.4Z";
const WARNING: &str = "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm1 15h-2v-2h2Zm0-4h-2V7h2Z";

/// The icons of rows, which are no components.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Check,
    Clock,
    Warning,
}

impl Mark {
    pub(super) fn element(self, document: &Document) -> Option<Element> {
        let path = match self {
            Self::Check => CHECK,
            Self::Clock => CLOCK,
            Self::Warning => WARNING,
        };
        let icon = document.create_element_ns(Some(SVG), "svg").ok()?;
        for (name, value) in [("viewBox", "0 0 24 24"), ("class", "icon"), ("aria-hidden", "true")]
        {
            icon.set_attribute(name, value).ok()?;
        }
        let shape = document.create_element_ns(Some(SVG), "path").ok()?;
        shape.set_attribute("d", path).ok()?;
        icon.append_child(&shape).ok()?;
        Some(icon)
    }
}

pub(super) fn send() -> impl IntoView {
    icon(
        "M3.4 20.4 20.85 12.92a1 1 0 0 0 0-1.84L3.4 3.6a.99.99 0 0 0-1.39.91L2 9.12c0 .5.37.93.87.99L17 12 2.87 13.88c-.5.07-.87.5-.87 1l.01 4.61c0 .71.73 1.2 1.39.91Z",
    )
}

pub(super) fn down() -> impl IntoView {
    icon("M12 16.5 5.5 10l1.4-1.4 5.1 5.1 5.1-5.1 1.4 1.4Z")
}

pub(super) fn warning() -> impl IntoView {
    icon(WARNING)
}

fn icon(path: &'static str) -> impl IntoView {
    svg::svg()
        .attr("viewBox", "0 0 24 24")
        .attr("class", "icon")
        .attr("aria-hidden", "true")
        .child(svg::path().attr("d", path))
}
