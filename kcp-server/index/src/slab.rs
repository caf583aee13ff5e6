/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// Entries under small numbers that stay theirs until they are removed, then go to others.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts an entry in. `None` when there are as many as numbers, which no memory holds.
    pub(crate) fn insert(&mut self, entry: T) -> Option<u32> {
        if let Some(id) = self.free.pop() {
            self.entries[id as usize] = Some(entry);
            return Some(id);
        }
        let id = u32::try_from(self.entries.len()).ok().filter(|&id| id != NONE)?;
        self.entries.push(Some(entry));
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<T> {
        let entry = self.entries.get_mut(id as usize)?.take();
        if entry.is_some() {
            self.free.push(id);
        }
        entry
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.entries.get(id as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    /// All entries with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        // Numbers were given out by `insert`, so they fit.
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(id, entry)| Some((u32::try_from(id).ok()?, entry.as_ref()?)))
    }
}
