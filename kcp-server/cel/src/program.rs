use crate::{
    check::{self, Global},
    cost::{self, CostRange},
    decl::Decl,
    environment::Environment,
    parser,
    run::{
        Budget, EvalError, Meter, Run,
        plan::{self, Plan},
    },
    source::Problems,
    types::Type,
    value::{ANY, Val, read},
};
use kcp_apimachinery::Value;
use std::sync::Arc;

/// Compiles expressions over the same variables.
#[derive(Clone, Debug)]
pub struct Compiler {
    environment: Environment,
    variables: Vec<Variable>,
}

/// A name that is given a value when a [`Program`] is evaluated.
#[derive(Clone, Debug)]
pub struct Variable {
    name: Box<str>,
    kind: VariableKind,
}

#[derive(Clone, Debug)]
enum VariableKind {
    Declared(Arc<Decl>),
    Optional(Arc<Decl>),
    Typed(Type),
}

impl Variable {
    /// A part of an object.
    #[must_use]
    pub fn declared(name: &str, decl: Arc<Decl>) -> Self {
        Self { name: name.into(), kind: VariableKind::Declared(decl) }
    }

    /// A part of an object that may not be there; expressions see an optional.
    #[must_use]
    pub fn optional(name: &str, decl: Arc<Decl>) -> Self {
        Self { name: name.into(), kind: VariableKind::Optional(decl) }
    }

    /// Anything else.
    #[must_use]
    pub fn typed(name: &str, of: Type) -> Self {
        Self { name: name.into(), kind: VariableKind::Typed(of) }
    }

    pub(crate) fn decl(&self) -> Option<&Decl> {
        match &self.kind {
            VariableKind::Declared(decl) | VariableKind::Optional(decl) => Some(decl),
            VariableKind::Typed(_) => None,
        }
    }

    fn of(&self) -> Type {
        match &self.kind {
            VariableKind::Declared(decl) => decl.to_type(),
            VariableKind::Optional(decl) => Type::optional(decl.to_type()),
            VariableKind::Typed(of) => of.clone(),
        }
    }
}

/// Why an expression is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It cannot be read or its types do not fit.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// Something in it can only fail, such as `int('a')`.
    #[error("{0}")]
    Instantiation(String),
}

/// A compiled expression. It is immutable and may be shared by everyone who needs it.
#[derive(Debug)]
pub struct Program {
    plan: Plan,
    output: Type,
    cost: CostRange,
    variables: Box<[(Variable, bool)]>,
}

/// The value of a [`Variable`].
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A part of an object, read as its variable is declared.
    Tree(&'a Value),
    /// Nothing, for an optional variable.
    Absent,
    /// A value made elsewhere.
    Made(Val<'a>),
}

impl Compiler {
    /// A compiler for expressions over these variables.
    #[must_use]
    pub const fn new(environment: Environment, variables: Vec<Variable>) -> Self {
        Self { environment, variables }
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// What cannot be parsed, whose types do not fit, or that can only fail.
    pub fn compile(&self, source: &str) -> Result<Program, CompileError> {
        let ast = parser::parse(source, &self.environment)?;
        let globals: Vec<Global> = self
            .variables
            .iter()
            .map(|variable| Global { name: variable.name.clone(), of: variable.of() })
            .collect();
        let checked = check::check(&ast, &globals, self.environment)
            .map_err(|problems| Problems::new(source, problems))?;
        let used = |number: usize| {
            checked
                .references
                .iter()
                .any(|reference| matches!(reference, check::Reference::Variable(other) if *other == number))
        };
        let variables = self.variables.iter().cloned().enumerate();
        let variables = variables.map(|(number, variable)| (variable, used(number))).collect();
        let cost = cost::estimate(&ast, &checked, &self.variables);
        let plan = plan::plan(&ast, &checked).map_err(CompileError::Instantiation)?;
        let output = checked.types[ast.root.index()].clone();
        Ok(Program { plan, output, cost, variables })
    }

    /// Only whether an expression can be parsed.
    ///
    /// # Errors
    /// Where and why not.
    pub fn parse(&self, source: &str) -> Result<(), Problems> {
        parser::parse(source, &self.environment).map(drop)
    }
}

impl Program {
    /// The type of what it evaluates to.
    #[must_use]
    pub const fn output(&self) -> &Type {
        &self.output
    }

    /// What evaluating it costs at least and at most, in kube-apiserver's units.
    #[must_use]
    pub const fn cost(&self) -> CostRange {
        self.cost
    }

    /// Whether it looks at a variable.
    #[must_use]
    pub fn uses(&self, variable: &str) -> bool {
        self.variables.iter().any(|(known, used)| *used && &*known.name == variable)
    }

    /// Bytes it takes, without what it shares with others.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.plan.bytes() + size_of_val(&*self.variables)
    }

    /// Evaluates it. Inputs are in the order of the compiler's variables. Gives the value and what it
    /// cost.
    ///
    /// # Errors
    /// What the expression cannot do with these values; more cost or work than the budget allows.
    pub fn eval<'a>(&'a self, inputs: &[Input<'a>], budget: Budget<'_>) -> Outcome<'a> {
        let mut meter = Meter::new(budget);
        let values: smallvec::SmallVec<[Result<Val<'a>, String>; 2]> = self
            .variables
            .iter()
            .zip(inputs)
            .map(|((variable, used), input)| if *used { variable.read(input) } else { Ok(Val::Null) })
            .collect();
        let value = Run::new(&self.plan, &values, &mut meter).whole();
        Outcome { value: value.map_err(EvalError::from), cost: meter.cost() }
    }
}

/// What an evaluation came to.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The value, or why there is none.
    pub value: Result<Val<'a>, EvalError>,
    /// What it cost, in kube-apiserver's units.
    pub cost: u64,
}

impl Variable {
    fn read<'a>(&'a self, input: &Input<'a>) -> Result<Val<'a>, String> {
        match (input, &self.kind) {
            (Input::Made(value), _) => Ok(value.clone()),
            (Input::Tree(value), VariableKind::Declared(decl)) => read(value, decl),
            (Input::Tree(value), VariableKind::Optional(decl)) => read(value, decl).map(Val::some),
            (Input::Tree(value), VariableKind::Typed(_)) => read(value, &ANY),
            (Input::Absent, VariableKind::Optional(_)) => Ok(Val::Optional(None)),
            (Input::Absent, VariableKind::Declared(_) | VariableKind::Typed(_)) => {
                Err(format!("no such attribute: {}", self.name))
            }
        }
    }
}
