//! Types of all parts of an expression, and which functions its calls mean.
//!
//! The algorithm is the one of the language's definition: types of literals and variables go up, free
//! type parameters are bound on the way ([`Bindings`]), a call keeps every overload that may be meant.
//! Where a type is `dyn` nothing is refused; the evaluator decides.

mod bind;
mod call;
mod literals;

use crate::{
    ast::{Ast, Comprehension, Element, Entry, Id, Kind, Literal},
    environment::Environment,
    library::table::Overload,
    source::Problem,
    types::{Opaque, Type},
};
use bind::Bindings;
use std::sync::Arc;

/// What was found out about an expression.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The type of each node.
    pub(crate) types: Vec<Type>,
    /// What each node refers to.
    pub(crate) references: Vec<Reference>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Reference {
    /// Nothing in particular.
    #[default]
    None,
    /// A variable by its number.
    Variable(usize),
    /// The variable of a comprehension.
    Local,
    /// The name of a type.
    Type(Type),
    /// A call: what it may mean, and whether what looks like a target is part of the function's name.
    Call { overloads: Vec<&'static Overload>, namespaced: bool },
}

/// A variable that is given from outside.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) name: Box<str>,
    pub(crate) of: Type,
}

pub(crate) fn check(
    ast: &Ast,
    globals: &[Global],
    environment: Environment,
) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker {
        ast,
        globals,
        environment,
        types: vec![None; ast.nodes.len()],
        references: vec![Reference::None; ast.nodes.len()],
        scopes: Vec::new(),
        bindings: Bindings::default(),
        problems: Vec::new(),
    };
    checker.check(ast.root);
    if !checker.problems.is_empty() {
        return Err(checker.problems);
    }
    let bindings = &checker.bindings;
    let types: Vec<Type> =
        checker.types.iter().map(|of| of.as_ref().map_or(Type::Dyn, |of| bindings.resolve(of))).collect();
    let problems = literals::check(ast, &types, environment);
    if problems.is_empty() { Ok(Checked { types, references: checker.references }) } else { Err(problems) }
}

struct Checker<'a> {
    ast: &'a Ast,
    globals: &'a [Global],
    environment: Environment,
    types: Vec<Option<Type>>,
    references: Vec<Reference>,
    /// Variables of the comprehensions around, innermost last.
    scopes: Vec<(&'a str, Type)>,
    bindings: Bindings,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn problem(&mut self, id: Id, message: String) {
        self.problem_at(self.ast.at(id), message);
    }

    fn problem_at(&mut self, at: u32, message: String) {
        self.problems.push(Problem { at: Some(at), message });
    }

    fn type_of(&self, id: Id) -> Type {
        self.types[id.index()].clone().unwrap_or(Type::Error)
    }

    fn check(&mut self, id: Id) -> Type {
        // A part that a macro repeats is the same everywhere.
        if let Some(known) = &self.types[id.index()] {
            return known.clone();
        }
        let ast = self.ast;
        let of = match ast.kind(id) {
            Kind::Literal(literal) => literal_type(literal),
            Kind::Ident(name) => self.ident(id, name),
            Kind::Select { operand, field, test } => self.select(id, *operand, field, *test),
            Kind::Call { function, target, args } => self.call(id, function, *target, args),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct { name, fields } => self.object(id, name, fields),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
        };
        self.types[id.index()] = Some(of.clone());
        of
    }

    fn ident(&mut self, id: Id, name: &str) -> Type {
        match self.look_up(name) {
            Some((reference, of)) => {
                self.references[id.index()] = reference;
                of
            }
            None => {
                self.undeclared(id, name);
                Type::Error
            }
        }
    }

    fn undeclared(&mut self, id: Id, name: &str) {
        self.problem(id, format!("undeclared reference to '{name}' (in container '')"));
    }

    fn look_up(&self, name: &str) -> Option<(Reference, Type)> {
        let bare = name.strip_prefix('.').unwrap_or(name);
        if let Some((_, of)) = self.scopes.iter().rev().find(|(local, _)| *local == name) {
            return Some((Reference::Local, of.clone()));
        }
        if let Some(at) = self.globals.iter().position(|global| &*global.name == bare) {
            return Some((Reference::Variable(at), self.globals[at].of.clone()));
        }
        let named = type_named(bare)?;
        Some((Reference::Type(named.clone()), Type::type_of(named)))
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) -> Type {
        if !test
            && let Some(name) = self.ast.qualified(id)
            && !self.scopes.iter().any(|(local, _)| name.split('.').next() == Some(local))
            && let Some((reference, of)) = self.look_up(&name)
        {
            self.references[id.index()] = reference;
            return of;
        }
        let of = self.field(id, operand, field, false);
        if test { Type::Bool } else { of }
    }

    fn field(&mut self, id: Id, operand: Id, field: &str, optional: bool) -> Type {
        let of = self.check(operand);
        let of = self.bindings.substitute(&of);
        let (target, was_optional) = of.unwrapped();
        let found = match target {
            Type::Map(parts) => parts.1.clone(),
            Type::Object(object) => match object.field(field) {
                Some(field) => field.decl.to_type(),
                None => {
                    self.problem(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Param(_) => {
                self.bindings.assignable(&Type::Dyn, target);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::List(_)
            | Type::Optional(_)
            | Type::Type(_)
            | Type::Opaque(_) => {
                self.problem(id, format!("type '{target}' does not support field selection"));
                Type::Dyn
            }
        };
        let found = self.bindings.substitute(&found);
        if was_optional || optional { Type::optional(found) } else { found }
    }

    fn list(&mut self, elements: &[Element]) -> Type {
        let mut of = None;
        for element in elements {
            let found = self.part(element.value, element.optional);
            of = Some(self.join(of, found));
        }
        Type::list(of.unwrap_or_else(|| self.bindings.fresh()))
    }

    fn map(&mut self, entries: &[Entry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let key = self.check(entry.key);
            keys = Some(self.join(keys, key));
            let value = self.part(entry.value, entry.optional);
            values = Some(self.join(values, value));
        }
        let keys = keys.unwrap_or_else(|| self.bindings.fresh());
        Type::map(keys, values.unwrap_or_else(|| self.bindings.fresh()))
    }

    /// The type of an element; of what is in it if it is an optional one.
    fn part(&mut self, id: Id, optional: bool) -> Type {
        let of = self.check(id);
        if !optional {
            return of;
        }
        let (inner, was_optional) = of.unwrapped();
        if !was_optional && !inner.is_dyn() {
            self.mismatch(id, &Type::optional(inner.clone()), inner);
        }
        inner.clone()
    }

    fn mismatch(&mut self, id: Id, expected: &Type, found: &Type) {
        let (expected, found) = (self.bindings.substitute(expected), self.bindings.substitute(found));
        self.problem(id, format!("expected type '{expected}' but found '{found}'"));
    }

    fn join(&mut self, before: Option<Type>, found: Type) -> Type {
        let Some(before) = before else { return found };
        if self.bindings.assignable(&before, &found) {
            return bind::most_general(&before, &found);
        }
        Type::Dyn
    }

    fn object(&mut self, id: Id, name: &str, fields: &[Id]) -> Type {
        for value in fields {
            self.check(*value);
        }
        match self.look_up(name) {
            None => self.undeclared(id, name),
            Some((Reference::Type(of), _)) => self.problem(id, format!("'{of}' is not a message type")),
            Some(_) => self.problem(id, format!("'{name}' is not a type")),
        }
        Type::Error
    }

    fn comprehension(&mut self, comprehension: &'a Comprehension) -> Type {
        let range = self.check(comprehension.range);
        let accu = self.check(comprehension.init);
        let range = self.bindings.substitute(&range);
        let depth = self.scopes.len();
        self.scopes.push((&comprehension.accu, accu.clone()));
        let two = comprehension.second.is_some();
        let (first, second) = match &range {
            Type::List(items) if two => (Type::Int, (**items).clone()),
            Type::List(items) => ((**items).clone(), Type::Error),
            Type::Map(parts) => (parts.0.clone(), parts.1.clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.bindings.assignable(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_)
            | Type::Optional(_)
            | Type::Type(_)
            | Type::Opaque(_) => {
                let message = format!(
                    "expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.problem(comprehension.range, message);
                (Type::Error, Type::Error)
            }
        };
        self.scopes.push((&comprehension.variable, first));
        if let Some(name) = &comprehension.second {
            self.scopes.push((name, second));
        }
        self.check(comprehension.condition);
        self.assert(comprehension.condition, &Type::Bool);
        self.check(comprehension.step);
        self.assert(comprehension.step, &accu);
        self.scopes.truncate(depth + 1);
        let result = self.check(comprehension.result);
        self.scopes.truncate(depth);
        self.bindings.substitute(&result)
    }

    fn assert(&mut self, id: Id, expected: &Type) {
        let found = self.type_of(id);
        if !self.bindings.assignable(expected, &found) {
            self.mismatch(id, expected, &found);
        }
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}

fn type_named(name: &str) -> Option<Type> {
    const OPAQUE: [Opaque; 11] = [
        Opaque::Ip,
        Opaque::Cidr,
        Opaque::Url,
        Opaque::Quantity,
        Opaque::Semver,
        Opaque::Format,
        Opaque::Authorizer,
        Opaque::PathCheck,
        Opaque::GroupCheck,
        Opaque::ResourceCheck,
        Opaque::Decision,
    ];
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        "int" => Type::Int,
        "list" => Type::List(Arc::new(Type::Dyn)),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "string" => Type::String,
        "type" => Type::Type(None),
        "uint" => Type::Uint,
        "optional_type" => Type::optional(Type::Dyn),
        _ => Type::Opaque(OPAQUE.into_iter().find(|opaque| opaque.name() == name)?),
    })
}
