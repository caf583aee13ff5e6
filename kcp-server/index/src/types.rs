use hashbrown::HashMap;
use std::sync::Arc;

/// The workspace types in use. Many workspaces share few, so each is kept once and counted by its `Arc`.
#[derive(Debug, Default)]
pub(crate) struct Types(HashMap<Arc<str>, ()>);

impl Types {
    /// The one copy of a type's name.
    pub(crate) fn share(&mut self, name: &str) -> Arc<str> {
        if let Some((shared, ())) = self.0.get_key_value(name) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = name.into();
        self.0.insert(Arc::clone(&shared), ());
        shared
    }

    /// Gives a copy back. The name is forgotten with its last user.
    pub(crate) fn release(&mut self, name: Arc<str>) {
        // Two are left: ours and the one given back.
        if Arc::strong_count(&name) <= 2 {
            self.0.remove(&*name);
        }
    }
}
