use std::fmt;

/// How much an evaluation may cost, and who can end it earlier.
#[derive(Clone, Copy, Default)]
pub struct Budget<'b> {
    /// Most units of cost, counted as kube-apiserver counts them.
    pub cost: u64,
    /// Asked now and then while much is done; `true` ends the evaluation.
    pub cancelled: Option<&'b dyn Fn() -> bool>,
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// What the expression says cannot be done.
    #[error("{message}")]
    Failed {
        /// In the words of cel-go.
        message: String,
        /// Offset in bytes of where in the expression.
        at: Option<u32>,
    },
    /// It costs more than the budget.
    #[error("operation cancelled: actual cost limit exceeded")]
    OverBudget,
    /// Somebody ended it.
    #[error("operation interrupted")]
    Cancelled,
}

/// What ends the evaluation of a part. An error can be absorbed by `&&` and `||`; a stop cannot.
#[derive(Debug)]
pub(crate) enum Fault {
    Error(Box<(String, Option<u32>)>),
    OverBudget,
    Cancelled,
}

impl Fault {
    #[cold]
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::Error(Box::new((message.into(), None)))
    }

    /// The same with the place, unless it has one.
    #[cold]
    pub(crate) fn at(mut self, at: u32) -> Self {
        if let Self::Error(inner) = &mut self {
            inner.1.get_or_insert(at);
        }
        self
    }
}

impl From<Fault> for EvalError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Error(inner) => Self::Failed { message: inner.0, at: inner.1 },
            Fault::OverBudget => Self::OverBudget,
            Fault::Cancelled => Self::Cancelled,
        }
    }
}

/// Counts what is done.
///
/// There are two counts. *Cost* is kube-apiserver's and is what limits and messages are about. It takes
/// some things for cheaper than they are, such as comparing nested lists; *work* is about the steps
/// really done and bounds those.
pub(crate) struct Meter<'b> {
    cost: u64,
    limit: u64,
    work: u64,
    most_work: u64,
    /// At this much work somebody is asked whether to go on.
    ask_at: u64,
    cancelled: Option<&'b dyn Fn() -> bool>,
}

/// Steps of work that one unit of cost pays for, and what is free for everyone.
const WORK_PER_COST: u64 = 32;
const FREE_WORK: u64 = 1 << 16;
const ASK_EVERY: u64 = 1 << 12;

impl<'b> Meter<'b> {
    pub(crate) fn new(budget: Budget<'b>) -> Self {
        Self {
            cost: 0,
            limit: budget.cost,
            work: 0,
            most_work: budget.cost.saturating_mul(WORK_PER_COST).saturating_add(FREE_WORK),
            ask_at: ASK_EVERY,
            cancelled: budget.cancelled,
        }
    }

    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    /// Counts cost.
    pub(crate) fn charge(&mut self, cost: u64) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(Fault::OverBudget);
        }
        Ok(())
    }

    /// Counts steps that are about to be done.
    pub(crate) fn work(&mut self, steps: u64) -> Result<(), Fault> {
        self.work = self.work.saturating_add(steps);
        if self.work < self.ask_at {
            return Ok(());
        }
        self.ask()
    }

    #[cold]
    fn ask(&mut self) -> Result<(), Fault> {
        if self.work > self.most_work {
            return Err(Fault::OverBudget);
        }
        self.ask_at = self.work.saturating_add(ASK_EVERY);
        if self.cancelled.is_some_and(|cancelled| cancelled()) {
            return Err(Fault::Cancelled);
        }
        Ok(())
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("cost", &self.cost).finish_non_exhaustive()
    }
}
