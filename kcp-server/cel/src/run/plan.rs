//! From a checked tree to what is evaluated.
//!
//! Variables become numbers. A chain such as `self.a.b[0]` becomes one step with the names it goes
//! through, as in cel-go, whose run-time cost is counted by such chains: one for the beginning, one for
//! each part. Lists and maps of literals, and conversions of literals, are made here and cost nothing.

use super::{Budget, Fault, Meter, eval};
use crate::{
    ast::{ACCUMULATOR, Ast, Comprehension, Id, Kind, Literal},
    check::{Checked, Reference},
    go_regex,
    library::{Op, table::Overload},
    types::Type,
    value::{Key, Map, Text, Val},
};
use smallvec::SmallVec;
use std::{collections::HashMap, sync::Arc};

/// Where a node lies in its [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Plan {
    nodes: Box<[Node]>,
    pub(crate) root: NodeId,
    /// How many variables comprehensions have, all together.
    pub(crate) slots: usize,
}

impl Plan {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.nodes) + self.nodes.iter().map(Node::heap).sum::<usize>()
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    Const(Val<'static>),
    Attribute(Box<Attribute>),
    Conditional(NodeId, NodeId, NodeId),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    Equals {
        left: NodeId,
        right: NodeId,
        negated: bool,
        at: u32,
    },
    /// `x in [literals]`: the list is here and costs nothing.
    OneOf {
        value: NodeId,
        list: NodeId,
    },
    Binary {
        op: Op,
        exact: bool,
        left: NodeId,
        right: NodeId,
        at: u32,
    },
    Call(Box<Call>),
    /// `a.or(b)`, `a.orValue(b)`: `b` is evaluated only if it is needed.
    OptionalOr {
        left: NodeId,
        right: NodeId,
        value: bool,
    },
    List(Box<[(NodeId, bool)]>),
    Map(Box<[(NodeId, NodeId, bool)]>, u32),
    /// `@result + [x]`, in place.
    Append {
        slot: u16,
        value: NodeId,
    },
    /// `cel.@mapInsert(@result, …)`, in place.
    Insert {
        slot: u16,
        key: Option<NodeId>,
        value: NodeId,
        at: u32,
    },
    Fold(Box<Fold>),
    Bind {
        slot: u16,
        init: NodeId,
        result: NodeId,
    },
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) op: Op,
    /// Whether it can mean one overload only; otherwise its cost is 1.
    pub(crate) exact: bool,
    pub(crate) args: SmallVec<[NodeId; 3]>,
    pub(crate) function: Box<str>,
    pub(crate) at: u32,
}

/// A value and the way from it to a part of it.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) base: Base,
    /// What the beginning costs.
    pub(crate) cost: u64,
    pub(crate) parts: Box<[Part]>,
    pub(crate) at: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Base {
    Variable(u16),
    Slot(u16),
    Node(NodeId),
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) key: PartKey,
    pub(crate) optional: bool,
    /// `has()`: only whether it is there.
    pub(crate) test: bool,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum PartKey {
    /// A name, and where among the fields of the object's type it is.
    Field(Box<str>, usize),
    Const(Val<'static>),
    Node(NodeId),
}

#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: NodeId,
    pub(crate) variable: u16,
    pub(crate) second: Option<u16>,
    pub(crate) accu: u16,
    pub(crate) init: NodeId,
    pub(crate) body: Body,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum Body {
    All(NodeId),
    Exists(NodeId),
    Loop { condition: Option<NodeId>, step: NodeId, result: NodeId },
}

impl Node {
    fn heap(&self) -> usize {
        match self {
            Self::Const(value) => value_bytes(value),
            Self::Attribute(attribute) => {
                let names = attribute.parts.iter().map(|part| match &part.key {
                    PartKey::Field(name, _) => name.len(),
                    PartKey::Const(value) => value_bytes(value),
                    PartKey::Node(_) => 0,
                });
                size_of::<Attribute>() + size_of_val(&*attribute.parts) + names.sum::<usize>()
            }
            Self::Call(call) => size_of::<Call>() + call.function.len(),
            Self::List(elements) => size_of_val(&**elements),
            Self::Map(entries, _) => size_of_val(&**entries),
            Self::Fold(_) => size_of::<Fold>(),
            Self::Conditional(..)
            | Self::And(..)
            | Self::Or(..)
            | Self::Equals { .. }
            | Self::OneOf { .. }
            | Self::Binary { .. }
            | Self::OptionalOr { .. }
            | Self::Append { .. }
            | Self::Insert { .. }
            | Self::Bind { .. } => 0,
        }
    }
}

fn value_bytes(value: &Val<'_>) -> usize {
    size_of::<Val<'_>>()
        + match value {
            Val::String(text) => text.len(),
            Val::Bytes(bytes) => bytes.len(),
            Val::List(list) => list.items.iter().map(value_bytes).sum(),
            _ => 0,
        }
}

/// Makes a plan.
///
/// # Errors
/// A conversion of a literal that fails, as `int('a')`, and regular expressions that are none.
pub(crate) fn plan(ast: &Ast, checked: &Checked) -> Result<Plan, String> {
    let mut planner = Planner {
        ast,
        checked,
        nodes: Vec::with_capacity(ast.nodes.len()),
        known: HashMap::new(),
        scopes: Vec::new(),
        slots: 0,
    };
    let root = planner.node(ast.root, false)?;
    Ok(Plan { nodes: planner.nodes.into(), root, slots: usize::from(planner.slots) })
}

struct Planner<'a> {
    ast: &'a Ast,
    checked: &'a Checked,
    nodes: Vec<Node>,
    /// Nodes that parts of the tree became already; parts can be shared.
    known: HashMap<(Id, bool), NodeId>,
    scopes: Vec<(&'a str, u16)>,
    slots: u16,
}

impl<'a> Planner<'a> {
    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// `branch`: a side of a conditional or an index, where cel-go counts nothing for the beginning of a
    /// chain.
    fn node(&mut self, id: Id, branch: bool) -> Result<NodeId, String> {
        if let Some(known) = self.known.get(&(id, branch)) {
            return Ok(*known);
        }
        let made = self.make(id, branch)?;
        let made = self.push(made);
        self.known.insert((id, branch), made);
        Ok(made)
    }

    fn make(&mut self, id: Id, branch: bool) -> Result<Node, String> {
        let ast = self.ast;
        Ok(match ast.kind(id) {
            Kind::Literal(literal) => Node::Const(constant(literal)),
            Kind::Ident(_) | Kind::Select { .. } => self.attribute(id, branch)?,
            Kind::Call { function, target, args } => match &**function {
                "_[_]" | "_[?_]" | "_?._" => self.attribute(id, branch)?,
                _ => self.call(id, function, *target, args)?,
            },
            Kind::List(elements) => {
                let mut nodes = Vec::with_capacity(elements.len());
                for element in elements {
                    nodes.push((self.node(element.value, false)?, element.optional));
                }
                self.list(nodes)
            }
            Kind::Map(entries) => {
                let mut nodes = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = self.node(entry.key, false)?;
                    nodes.push((key, self.node(entry.value, false)?, entry.optional));
                }
                self.map(nodes, ast.at(id))
            }
            Kind::Struct { name, .. } => return Err(format!("unknown type: {name}")),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension, ast.at(id))?,
        })
    }

    fn constant(&self, id: NodeId) -> Option<&Val<'static>> {
        if let Node::Const(value) = &self.nodes[id.0 as usize] { Some(value) } else { None }
    }

    fn list(&self, nodes: Vec<(NodeId, bool)>) -> Node {
        let constants: Option<Vec<_>> = nodes
            .iter()
            .map(|(node, optional)| if *optional { None } else { self.constant(*node).cloned() })
            .collect();
        match constants {
            Some(items) => Node::Const(Val::list(items)),
            None => Node::List(nodes.into()),
        }
    }

    fn map(&self, nodes: Vec<(NodeId, NodeId, bool)>, at: u32) -> Node {
        let mut map = Map::default();
        for (key, value, optional) in &nodes {
            let member = self.constant(*key).and_then(Key::of).zip(self.constant(*value).cloned());
            let added = !optional && member.is_some_and(|(key, value)| map.add(key, value).is_ok());
            if !added {
                return Node::Map(nodes.into(), at);
            }
        }
        Node::Const(Val::Map(Arc::new(map)))
    }

    fn attribute(&mut self, id: Id, branch: bool) -> Result<Node, String> {
        let mut parts = Vec::new();
        let mut from = id;
        let ast = self.ast;
        loop {
            if !matches!(self.checked.references[from.index()], Reference::None | Reference::Call { .. }) {
                break;
            }
            let (operand, key, optional, test) = match ast.kind(from) {
                Kind::Select { test: true, .. } if from != id => break,
                Kind::Select { operand, field, test } => {
                    (*operand, self.field(*operand, field), false, *test)
                }
                Kind::Call { function, args, .. } => match (&**function, args.as_slice()) {
                    ("_?._", [operand, field]) => {
                        let Kind::Literal(Literal::String(name)) = ast.kind(*field) else { break };
                        (*operand, self.field(*operand, name), true, false)
                    }
                    (index @ ("_[_]" | "_[?_]"), [operand, key]) => {
                        let node = self.node(*key, true)?;
                        let key = match self.constant(node) {
                            Some(value) => PartKey::Const(value.clone()),
                            None => PartKey::Node(node),
                        };
                        (*operand, key, index == "_[?_]", false)
                    }
                    _ => break,
                },
                Kind::Literal(_)
                | Kind::Ident(_)
                | Kind::List(_)
                | Kind::Map(_)
                | Kind::Struct { .. }
                | Kind::Comprehension(_) => break,
            };
            parts.push(Part { key, optional, test, at: ast.at(from) });
            from = operand;
        }
        parts.reverse();
        let test = parts.last().is_some_and(|part| part.test);
        let (base, cost) = self.base(from)?;
        let Some(base) = base else {
            let Reference::Type(of) = &self.checked.references[from.index()] else {
                return Err(format!("reference to undefined name at {}", ast.at(from)));
            };
            return Ok(Node::Const(Val::Type(Arc::new(of.clone()))));
        };
        let cost = if branch || test { 0 } else { cost };
        Ok(Node::Attribute(Box::new(Attribute { base, cost, parts: parts.into(), at: ast.at(from) })))
    }

    fn field(&self, operand: Id, name: &str) -> PartKey {
        let of = self.checked.types[operand.index()].unwrapped().0;
        let at = if let Type::Object(object) = of { object.find(name) } else { None };
        PartKey::Field(name.into(), at.unwrap_or(usize::MAX))
    }

    /// Where a chain begins and what that costs; nothing for the name of a type.
    fn base(&mut self, id: Id) -> Result<(Option<Base>, u64), String> {
        Ok(match &self.checked.references[id.index()] {
            Reference::Variable(at) => (Some(Base::Variable(u16::try_from(*at).unwrap_or(u16::MAX))), 1),
            Reference::Local => (Some(Base::Slot(self.slot(id)?)), 1),
            Reference::Type(_) => (None, 0),
            Reference::None | Reference::Call { .. } => {
                let node = self.node(id, false)?;
                let conditional = matches!(self.nodes[node.0 as usize], Node::Conditional(..));
                (Some(Base::Node(node)), u64::from(!conditional))
            }
        })
    }

    fn slot(&self, id: Id) -> Result<u16, String> {
        let Kind::Ident(name) = self.ast.kind(id) else { return Err("a variable without a name".to_owned()) };
        let found = self.scopes.iter().rev().find(|(local, _)| *local == &**name);
        found.map(|(_, slot)| *slot).ok_or_else(|| format!("no variable {name}"))
    }

    fn call(&mut self, id: Id, function: &str, target: Option<Id>, args: &[Id]) -> Result<Node, String> {
        let Reference::Call { overloads, namespaced } = &self.checked.references[id.index()] else {
            return Err(format!("no such overload: {function}"));
        };
        let Some(first) = overloads.first() else { return Err(format!("no such overload: {function}")) };
        let (op, exact, at) = (first.op, overloads.len() == 1, self.ast.at(id));
        if let Some(node) = self.in_place(op, args)? {
            return Ok(node);
        }
        let mut nodes: SmallVec<[NodeId; 3]> = SmallVec::new();
        let branches = op == Op::Conditional;
        for (index, arg) in target.iter().filter(|_| !namespaced).chain(args).enumerate() {
            nodes.push(self.node(*arg, branches && index > 0)?);
        }
        Ok(match (op, nodes.as_slice()) {
            (Op::Conditional, [condition, yes, no]) => Node::Conditional(*condition, *yes, *no),
            (Op::And, [left, right]) => Node::And(*left, *right),
            (Op::Or, [left, right]) => Node::Or(*left, *right),
            (Op::Equals | Op::NotEquals, [left, right]) => {
                Node::Equals { left: *left, right: *right, negated: op == Op::NotEquals, at }
            }
            (Op::OptionalOr | Op::OptionalOrValue, [left, right]) => {
                Node::OptionalOr { left: *left, right: *right, value: op == Op::OptionalOrValue }
            }
            (Op::In, [value, list]) if exact && self.is_literal_set(*list, first) => {
                match self.constant(*list).and_then(Val::size) {
                    Some(0) => Node::Const(Val::Bool(false)),
                    _ => Node::OneOf { value: *value, list: *list },
                }
            }
            (_, [left, right]) if op.is_operator() => {
                Node::Binary { op, exact, left: *left, right: *right, at }
            }
            (_, [arg]) if op.is_conversion() && self.constant(*arg).is_some() => self.converted(op, *arg)?,
            _ => {
                if matches!(op, Op::Matches | Op::Find | Op::FindAll)
                    && let Some(Val::String(pattern)) =
                        nodes.get(1).and_then(|pattern| self.constant(*pattern))
                {
                    go_regex::check(pattern).map_err(|error| error.to_string())?;
                }
                Node::Call(Box::new(Call { op, exact, args: nodes, function: function.into(), at }))
            }
        })
    }

    fn is_literal_set(&self, list: NodeId, overload: &Overload) -> bool {
        overload.id == "in_list"
            && self.constant(list).is_some_and(|list| {
                list.is_list()
                    && list.items().all(|item| {
                        matches!(
                            item,
                            Ok(Val::Bool(_)
                                | Val::Int(_)
                                | Val::Uint(_)
                                | Val::Double(_)
                                | Val::String(_)
                                | Val::Bytes(_)
                                | Val::Null)
                        )
                    })
            })
    }

    fn converted(&self, op: Op, arg: NodeId) -> Result<Node, String> {
        let Some(value) = self.constant(arg) else { return Err("not a literal".to_owned()) };
        let mut meter = Meter::new(Budget { cost: 1 << 20, cancelled: None });
        match eval::convert(op, value.clone(), &mut meter) {
            Ok(value) => Ok(Node::Const(value)),
            Err(Fault::Error(error)) => Err(error.0),
            Err(Fault::OverBudget | Fault::Cancelled) => Err("literal too large".to_owned()),
        }
    }

    /// The steps of comprehensions that only add to what they have.
    fn in_place(&mut self, op: Op, args: &[Id]) -> Result<Option<Node>, String> {
        let [accu, rest @ ..] = args else { return Ok(None) };
        if !matches!(self.ast.kind(*accu), Kind::Ident(name) if &**name == ACCUMULATOR) {
            return Ok(None);
        }
        let slot = self.slot(*accu)?;
        Ok(match (op, rest) {
            (Op::Add, [list]) => {
                let Kind::List(elements) = self.ast.kind(*list) else { return Ok(None) };
                let [element] = elements.as_slice() else { return Ok(None) };
                let value = element.value;
                Some(Node::Append { slot, value: self.node(value, false)? })
            }
            (Op::MapInsert, [key, value]) => {
                let key = Some(self.node(*key, false)?);
                Some(Node::Insert { slot, key, value: self.node(*value, false)?, at: self.ast.at(*accu) })
            }
            (Op::MapInsert, [value]) => Some(Node::Insert {
                slot,
                key: None,
                value: self.node(*value, false)?,
                at: self.ast.at(*accu),
            }),
            _ => None,
        })
    }

    fn new_slot(&mut self, name: &'a str) -> Result<u16, String> {
        let slot = self.slots;
        self.slots = slot.checked_add(1).filter(|slots| *slots < u16::MAX).ok_or("too many variables")?;
        self.scopes.push((name, slot));
        Ok(slot)
    }

    fn comprehension(&mut self, comprehension: &'a Comprehension, at: u32) -> Result<Node, String> {
        let depth = self.scopes.len();
        let init = self.node(comprehension.init, false)?;
        if comprehension.bind {
            let slot = self.new_slot(&comprehension.accu)?;
            let result = self.node(comprehension.result, false)?;
            self.scopes.truncate(depth);
            return Ok(Node::Bind { slot, init, result });
        }
        let range = self.node(comprehension.range, false)?;
        let accu = self.new_slot(&comprehension.accu)?;
        let variable = self.new_slot(&comprehension.variable)?;
        let second = match &comprehension.second {
            Some(name) => Some(self.new_slot(name)?),
            None => None,
        };
        let body = match self.quantifier(comprehension) {
            Some((true, test)) => Body::All(self.node(test, false)?),
            Some((false, test)) => Body::Exists(self.node(test, false)?),
            None => {
                let condition = self.node(comprehension.condition, false)?;
                let always = matches!(self.constant(condition), Some(Val::Bool(true)));
                let step = self.node(comprehension.step, false)?;
                self.scopes.truncate(depth + 1);
                let result = self.node(comprehension.result, false)?;
                Body::Loop { condition: (!always).then_some(condition), step, result }
            }
        };
        self.scopes.truncate(depth);
        Ok(Node::Fold(Box::new(Fold { range, variable, second, accu, init, body, at })))
    }

    /// What `all` and `exists` ask of each element.
    fn quantifier(&self, comprehension: &Comprehension) -> Option<(bool, Id)> {
        let Kind::Call { function, .. } = self.ast.kind(comprehension.condition) else { return None };
        if function != "@not_strictly_false" {
            return None;
        }
        let Kind::Call { function, args, .. } = self.ast.kind(comprehension.step) else { return None };
        let [_, test] = args.as_slice() else { return None };
        Some((function == "_&&_", *test))
    }
}

fn constant(literal: &Literal) -> Val<'static> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(truth) => Val::Bool(*truth),
        Literal::Int(number) => Val::Int(*number),
        Literal::Uint(number) => Val::Uint(*number),
        Literal::Double(number) => Val::Double(*number),
        Literal::String(text) => Val::String(Text::Shared(Arc::from(&**text))),
        Literal::Bytes(bytes) => Val::bytes(&**bytes),
    }
}
