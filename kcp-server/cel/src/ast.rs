use std::borrow::Cow;

/// Where an expression lies in its [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u32);

impl Id {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A parsed expression: a flat arena, so that dropping or copying it does not recurse. Macros are
/// expanded already. A part that a macro repeats is shared and not copied.
#[derive(Debug)]
pub(crate) struct Ast {
    pub(crate) nodes: Vec<Expr>,
    pub(crate) root: Id,
}

#[derive(Debug)]
pub(crate) struct Expr {
    /// Offset in bytes of what errors point at: an operator, an opening bracket or a name.
    pub(crate) at: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Literal(Literal),
    /// A name, with a leading dot if it was written with one.
    Ident(Box<str>),
    Select {
        operand: Id,
        field: Box<str>,
        /// `has(operand.field)`
        test: bool,
    },
    Call {
        function: Cow<'static, str>,
        target: Option<Id>,
        args: Vec<Id>,
    },
    List(Vec<Element>),
    Map(Vec<Entry>),
    /// An object with its type: only the values of its fields, since no environment has types to make.
    Struct {
        name: Box<str>,
        fields: Vec<Id>,
    },
    Comprehension(Box<Comprehension>),
}

/// An element of a list; an optional one (`?x`) is left out when it has no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element {
    pub(crate) value: Id,
    pub(crate) optional: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Id,
    pub(crate) value: Id,
    pub(crate) optional: bool,
}

/// What all looping macros become: `accu` starts as `init`; for each element while `condition` holds
/// it becomes `step`; at the end `result` is the value.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub(crate) range: Id,
    pub(crate) variable: Box<str>,
    pub(crate) second: Option<Box<str>>,
    pub(crate) accu: Box<str>,
    pub(crate) init: Id,
    pub(crate) condition: Id,
    pub(crate) step: Id,
    pub(crate) result: Id,
    /// `cel.bind` and the like: an empty range, a name for `init`, evaluated when `result` asks for it.
    pub(crate) bind: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Box<str>),
    Bytes(Box<[u8]>),
}

/// The accumulator of the standard macros. It cannot be written in an expression.
pub(crate) const ACCUMULATOR: &str = "@result";
/// What nobody can name; the loop variable of a bind.
pub(crate) const UNUSED: &str = "#unused";

impl Kind {
    /// Calls `each` with every part of the expression.
    pub(crate) fn parts(&self, mut each: impl FnMut(Id)) {
        match self {
            Self::Literal(_) | Self::Ident(_) => {}
            Self::Select { operand, .. } => each(*operand),
            Self::Call { target, args, .. } => target.iter().chain(args).copied().for_each(each),
            Self::List(elements) => elements.iter().for_each(|element| each(element.value)),
            Self::Map(entries) => entries.iter().for_each(|entry| {
                each(entry.key);
                each(entry.value);
            }),
            Self::Struct { fields, .. } => fields.iter().copied().for_each(each),
            Self::Comprehension(parts) => {
                [parts.range, parts.init, parts.condition, parts.step, parts.result]
                    .into_iter()
                    .for_each(each);
            }
        }
    }
}

impl Ast {
    pub(crate) fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id.index()].kind
    }

    pub(crate) fn at(&self, id: Id) -> u32 {
        self.nodes[id.index()].at
    }

    /// `a.b.c` as one name, if the expression is only names with dots between.
    pub(crate) fn qualified(&self, id: Id) -> Option<String> {
        match self.kind(id) {
            Kind::Ident(name) => Some(name.to_string()),
            Kind::Select { operand, field, test: false } => {
                Some(format!("{}.{field}", self.qualified(*operand)?))
            }
            Kind::Select { .. }
            | Kind::Literal(_)
            | Kind::Call { .. }
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Struct { .. }
            | Kind::Comprehension(_) => None,
        }
    }
}
