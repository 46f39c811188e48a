//! The rows in the document, in groups that a browser lays out one by one. What the transcript says is carried out, and
//! nothing else is touched: a row that is taken out of the document and put back is laid out again, and loses the
//! reader's selection and focus.

use std::collections::HashMap;

use roomlet_client::RowId;
use roomlet_client::transcript::{GroupId, Operation};
use web_sys::{Document, Element, HtmlElement};

use super::row::{Prototypes, RowElement, Setting};

/// The list in the document.
pub(super) struct Picture {
    list: HtmlElement,
    document: Document,
    prototypes: Prototypes,
    groups: HashMap<GroupId, Element>,
    rows: HashMap<RowId, RowElement>,
    /// Groups that are not laid out yet as they are now.
    fresh: Vec<GroupId>,
}

impl Picture {
    /// An empty one. None in a browser that cannot even make elements.
    pub(super) fn new(list: HtmlElement) -> Option<Self> {
        let document = list.owner_document()?;
        let prototypes = Prototypes::new(&document)?;
        let (groups, rows, fresh) = (HashMap::new(), HashMap::new(), Vec::new());
        Some(Self { list, document, prototypes, groups, rows, fresh })
    }

    pub(super) fn carry_out(&mut self, operations: Vec<Operation>, setting: Setting) {
        for operation in operations {
            // What cannot be done to the document is left undone: there is nothing else to show it with.
            let _ = self.carry_out_one(operation, setting);
        }
    }

    /// Where a row stands on the page, if it is shown: what it says, since dates and names above that come and go.
    pub(super) fn top_of(&self, row: RowId) -> Option<f64> {
        self.rows.get(&row).map(|row| row.words().get_bounding_client_rect().top())
    }

    /// The first row of which anything is below that height of the page.
    pub(super) fn first_below(&self, top: f64) -> Option<RowId> {
        let group = first_below(&self.list, top)?;
        first_below(&group, top)?.get_attribute("data-row")?.parse().ok().map(RowId)
    }

    /// Whether there are groups to [settle](Self::settle).
    pub(super) fn has_fresh_groups(&self) -> bool {
        self.fresh.len() > 1
    }

    /// Groups have been laid out: from now on those that nobody sees cost nothing, and are as high as they were. The last
    /// one is where messages come.
    pub(super) fn settle(&mut self) {
        let last = self.list.last_element_child();
        self.fresh.retain(|group| {
            let Some(element) = self.groups.get(group) else { return false };
            let is_last = last.as_ref() == Some(element);
            if !is_last {
                let _ = element.class_list().add_1("settled");
            }
            is_last
        });
    }

    fn carry_out_one(&mut self, operation: Operation, setting: Setting) -> Option<()> {
        match operation {
            Operation::NewGroup { group, before } => {
                let next = before.and_then(|next| self.groups.get(&next)).cloned();
                self.new_group(group, next.as_ref())?;
            }
            Operation::Split { group, at, new } => {
                let element = self.groups.get(&group)?.clone();
                let moved = self.new_group(new, element.next_element_sibling().as_ref())?;
                while let Some(row) = child(&element, at) {
                    moved.append_child(&row).ok()?;
                }
                self.touch(group);
            }
            Operation::DropGroup(group) => self.groups.remove(&group)?.remove(),
            Operation::Lift(row) => {
                let element = &self.rows.get(&row)?.element;
                let group = element.parent_element();
                element.remove();
                self.touch_element(group.as_ref());
            }
            Operation::Put { group, at, row, lead } => {
                let id = row.id;
                match self.rows.get_mut(&id) {
                    Some(element) => {
                        element.update(row, setting);
                        element.set_lead(lead, setting);
                    }
                    None => {
                        let element = RowElement::new(&self.prototypes, row, lead, setting)?;
                        self.rows.insert(id, element);
                    }
                }
                let parent = self.groups.get(&group)?;
                let next = child(parent, at);
                let element = &self.rows.get(&id)?.element;
                parent.insert_before(element, next.as_deref()).ok()?;
                self.touch(group);
            }
            Operation::Update(row) => {
                let element = self.rows.get_mut(&row.id)?;
                element.update(row, setting);
                let group = element.element.parent_element();
                self.touch_element(group.as_ref());
            }
            Operation::Lead(row, lead) => {
                let element = self.rows.get_mut(&row)?;
                element.set_lead(lead, setting);
                let group = element.element.parent_element();
                self.touch_element(group.as_ref());
            }
            Operation::Remove(row) => {
                let element = self.rows.remove(&row)?.element;
                let group = element.parent_element();
                element.remove();
                self.touch_element(group.as_ref());
            }
            Operation::Clear => {
                self.groups.drain().for_each(|(_, group)| group.remove());
                self.rows.clear();
                self.fresh.clear();
            }
        }
        Some(())
    }

    fn new_group(&mut self, group: GroupId, next: Option<&Element>) -> Option<Element> {
        let element = self.document.create_element("div").ok()?;
        element.set_class_name("group");
        element.set_attribute("data-group", &group.0.to_string()).ok()?;
        self.list.insert_before(&element, next.map(AsRef::as_ref)).ok()?;
        self.groups.insert(group, element.clone());
        self.fresh.push(group);
        Some(element)
    }

    /// A group has to be laid out again before it can be left to itself.
    fn touch(&mut self, group: GroupId) {
        if !self.fresh.contains(&group) {
            self.fresh.push(group);
            if let Some(element) = self.groups.get(&group) {
                let _ = element.class_list().remove_1("settled");
            }
        }
    }

    fn touch_element(&mut self, group: Option<&Element>) {
        let id = group.and_then(|group| group.get_attribute("data-group")?.parse().ok());
        if let Some(id) = id {
            self.touch(GroupId(id));
        }
    }
}

fn child(parent: &Element, at: usize) -> Option<Element> {
    // Rows that come at the end come most often.
    let index = u32::try_from(at).ok()?;
    if index >= parent.child_element_count() { None } else { parent.children().item(index) }
}

/// What stands one below the other is looked through by halves.
fn first_below(parent: &Element, top: f64) -> Option<Element> {
    let children = parent.children();
    let (mut from, mut to) = (0, children.length());
    while from < to {
        let middle = from + (to - from) / 2;
        if children.item(middle)?.get_bounding_client_rect().bottom() > top {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    children.item(from)
}
