//! What is open in the browser, by its id: a handful of things that end when they are dropped.

/// Guards, each under an id of its own.
pub(super) struct Guards<K, G>(Vec<(K, G)>);

impl<K, G> Default for Guards<K, G> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, G> Guards<K, G> {
    pub(super) fn insert(&mut self, id: K, guard: G) {
        self.0.push((id, guard));
    }

    pub(super) fn get(&self, id: &K) -> Option<&G> {
        self.0.iter().find(|(other, _)| other == id).map(|(_, guard)| guard)
    }

    /// Hands a guard back, so that it is dropped when nothing is borrowed any more: what ends may call.
    pub(super) fn remove(&mut self, id: &K) -> Option<G> {
        let index = self.0.iter().position(|(other, _)| other == id)?;
        Some(self.0.swap_remove(index).1)
    }
}
