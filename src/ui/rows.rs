//! The rows in the document. None that stays is taken out of it on the way: that would lay it out again, and take the
//! reader's selection and focus from it. (Leptos's `<For>` moves all rows where several come before them at once.)

use std::collections::HashMap;

use leptos::html;
use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;
use leptos::tachys::view::Render;
use roomlet_client::RowId;
use web_sys::{Element, Node};

use super::row::RowView;
use super::screen::ShownRow;

#[component]
pub(super) fn Rows(shown: Memo<Vec<ShownRow>>) -> impl IntoView {
    let list = NodeRef::<html::Ol>::new();
    let mounted = StoredValue::new_local(Vec::new());
    let owner = Owner::current().unwrap_or_default();
    Effect::new(move || {
        if let Some(list) = list.get() {
            let rows = shown.get();
            let build = |row| untrack(|| Mounted::new(&owner, row));
            mounted.update_value(|mounted| arrange(&list, mounted, &rows, build));
        }
    });
    view! { class = "r", <ol class="rows" node_ref=list></ol> }
}

/// A row that stands in the document.
struct Mounted {
    row: ShownRow,
    view: <OwnedView<AnyView> as Render>::State,
}

impl Mounted {
    /// Builds a row, which lives as long as it is in the list.
    fn new(list: &Owner, row: ShownRow) -> Self {
        let owner = list.with(Owner::new);
        let view = owner.with(|| view! { class = "r", <RowView shown=row.clone()/> }.into_any());
        Self { row, view: OwnedView::new_with_owner(view, owner).build() }
    }

    fn element(&self) -> Option<Element> {
        self.view.elements().into_iter().next()
    }

    /// Puts it before another node, or at the end; where it stands there already it is not touched.
    fn stand_before(&mut self, next: Option<&Node>, list: &Element) {
        let stands = self.element().is_some_and(|element| {
            element.parent_node().is_some() && element.next_sibling().as_ref() == next
        });
        if !stands {
            self.view.mount(list, next);
        }
    }
}

/// Makes the mounted rows those that are to be shown, touching only what differs.
fn arrange(
    list: &Element,
    mounted: &mut Vec<Mounted>,
    rows: &[ShownRow],
    build: impl Fn(ShownRow) -> Mounted,
) {
    let head = mounted.iter().zip(rows).take_while(|(old, row)| old.row == **row).count();
    let (_, old) = mounted.split_at(head);
    let (_, new) = rows.split_at(head);
    let same = |(old, row): &(&Mounted, &ShownRow)| old.row == **row;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (new, _) = new.split_at(new.len() - tail);

    let wanted = new.iter().map(|row| (row.id, row)).collect::<HashMap<_, _>>();
    let end = mounted.len() - tail;
    let mut kept = HashMap::<RowId, Mounted>::new();
    for mut old in mounted.drain(head..end) {
        if wanted.get(&old.row.id) == Some(&&old.row) {
            kept.insert(old.row.id, old);
        } else {
            old.view.unmount();
        }
    }
    // From the end, so that each row knows what it stands before.
    let mut next = mounted.get(head).and_then(Mounted::element).map(Node::from);
    let mut arranged = Vec::with_capacity(new.len());
    for row in new.iter().rev() {
        let mut this = kept.remove(&row.id).unwrap_or_else(|| build(row.clone()));
        this.stand_before(next.as_ref(), list);
        next = this.element().map(Node::from);
        arranged.push(this);
    }
    arranged.reverse();
    mounted.splice(head..head, arranged);
}
