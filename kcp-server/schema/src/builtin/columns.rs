/// The name of a function that makes the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(pub(super) &'static str);

impl Function {
    pub(super) fn named(name: &'static str) -> Option<Self> {
        Some(Self(name))
    }
}
