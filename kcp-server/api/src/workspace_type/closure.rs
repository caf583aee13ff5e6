use super::{PlacedType, TypeError, resolve};
use crate::{
    types::tenancy::{BindingLifecycle, DefaultBinding},
    well_known::name,
};
use std::collections::BTreeSet;

/// Most types that one may extend; upstream follows any number.
pub const MOST_ALIASES: usize = 256;

/// A type with all types that it also is. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Closure(Vec<PlacedType>);

impl Closure {
    /// Follows what a type extends. `find` looks into one workspace, as for [`resolve`].
    ///
    /// # Errors
    /// A type that is not there, extends itself or extends too many.
    pub fn of(kind: PlacedType, find: impl Fn(&str, &str) -> Option<PlacedType>) -> Result<Self, TypeError> {
        let mut walk = Walk { find: &find, seen: BTreeSet::new(), way: Vec::new(), aliases: Vec::new() };
        walk.bases(&kind)?;
        let mut aliases = walk.aliases;
        aliases.push(kind);
        Ok(Self(aliases))
    }

    /// The aliases, the type itself last.
    #[must_use]
    pub fn aliases(&self) -> &[PlacedType] {
        &self.0
    }

    /// Who initializes a new workspace, in order. The binding of default exports comes last.
    #[must_use]
    pub fn initializers(&self) -> Vec<String> {
        let own = self.0.iter().filter(|alias| alias.object.spec.initializer);
        let mut initializers: Vec<String> = own.map(PlacedType::lifecycle_id).collect();
        if self.0.iter().any(|alias| !alias.object.spec.default_api_bindings.is_empty()) {
            initializers.push(name::API_BINDINGS_INITIALIZER.to_owned());
        }
        initializers
    }

    /// Who has to let a workspace go, in order.
    #[must_use]
    pub fn terminators(&self) -> Vec<String> {
        let own = self.0.iter().filter(|alias| alias.object.spec.terminator);
        own.map(PlacedType::lifecycle_id).collect()
    }

    /// The exports that are bound, each once, with the path of each filled in. The flag says whether
    /// the bindings are kept as they were made.
    #[must_use]
    pub fn default_bindings(&self) -> Vec<(DefaultBinding, bool)> {
        let mut bindings: Vec<(DefaultBinding, bool)> = Vec::new();
        for alias in &self.0 {
            let spec = &alias.object.spec;
            let maintain = spec.default_api_binding_lifecycle == Some(BindingLifecycle::Maintain);
            for binding in &spec.default_api_bindings {
                let mut binding = binding.clone();
                if binding.path.is_empty() {
                    binding.path = alias.cluster.as_str().to_owned();
                }
                match bindings.iter_mut().find(|(known, _)| *known == binding) {
                    Some((_, kept)) => *kept |= maintain,
                    None => bindings.push((binding, maintain)),
                }
            }
        }
        bindings
    }
}

struct Walk<'f, F> {
    find: &'f F,
    seen: BTreeSet<String>,
    way: Vec<String>,
    aliases: Vec<PlacedType>,
}

impl<F: Fn(&str, &str) -> Option<PlacedType>> Walk<'_, F> {
    /// Adds what a type extends. Nested no deeper than there may be aliases.
    fn bases(&mut self, kind: &PlacedType) -> Result<(), TypeError> {
        let own = kind.qualified();
        self.seen.insert(own.clone());
        self.way.push(own);
        for reference in &kind.object.spec.extend.with {
            let base = resolve(reference, kind.path(), self.find)
                .map_err(|_| TypeError::NoBase(reference.name.clone()))?;
            let name = base.qualified();
            if let Some(at) = self.way.iter().position(|on_the_way| *on_the_way == name) {
                return Err(TypeError::Circle { name, way: self.way[at..].to_vec() });
            }
            if self.seen.contains(&name) {
                continue;
            }
            if self.aliases.len() >= MOST_ALIASES {
                return Err(TypeError::TooMany(self.way[0].clone()));
            }
            self.aliases.push(base.clone());
            self.bases(&base)?;
        }
        self.way.pop();
        Ok(())
    }
}
