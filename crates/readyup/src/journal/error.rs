//! What is wrong with an entry.

use super::entry::{FIELD_NAME_MAX, FIELDS_MAX};
use crate::protocol::{Decimal, Excerpt, display};
use core::fmt;

/// Why an entry, or one field of it, is no good.
///
/// ```
/// use readyup::journal::Field;
///
/// let error = Field::new("user", "root").unwrap_err();
/// assert_eq!(error.to_string(), "user is no name of a field: it must be of A to Z, 0 to 9 and '_'");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryError {
    field: Option<Excerpt>,
    problem: EntryProblem,
}

impl EntryError {
    pub(super) fn field(name: &[u8], problem: EntryProblem) -> Self {
        Self { field: Some(Excerpt::new(name)), problem }
    }

    pub(super) const fn empty() -> Self {
        Self { field: None, problem: EntryProblem::Empty }
    }

    /// The error of an entry of so many fields, for callers that don't even hold that many.
    ///
    /// ```
    /// use readyup::journal::{EntryError, EntryProblem};
    ///
    /// assert_eq!(EntryError::too_many_fields(2000).problem(), EntryProblem::TooManyFields { count: 2000 });
    /// ```
    #[must_use]
    pub const fn too_many_fields(count: usize) -> Self {
        Self { field: None, problem: EntryProblem::TooManyFields { count } }
    }

    /// What is wrong with it.
    ///
    /// ```
    /// use readyup::journal::{EntryProblem, Field};
    ///
    /// assert_eq!(Field::new("1ST", "").unwrap_err().problem(), EntryProblem::LeadingDigit);
    /// ```
    #[must_use]
    pub const fn problem(&self) -> EntryProblem {
        self.problem
    }

    /// Tells the error in pieces of text, without `core::fmt`.
    pub(crate) fn describe(&self, put: &mut dyn FnMut(&str)) {
        match &self.field {
            Some(field) if field.as_str().is_empty() => put("a field"),
            Some(field) => field.describe(put),
            None => put("the entry"),
        }
        match self.problem {
            EntryProblem::Empty => put(" has no fields"),
            EntryProblem::TooManyFields { count } => {
                put(" has ");
                put(Decimal::new(count as u64).as_str());
                put(" fields, and the journal takes at most ");
                put(Decimal::new(FIELDS_MAX as u64).as_str());
            }
            EntryProblem::EmptyName => put(" has no name"),
            EntryProblem::LongName => {
                put(" is too long for the name of a field, which has at most ");
                put(Decimal::new(FIELD_NAME_MAX as u64).as_str());
                put(" bytes");
            }
            EntryProblem::Protected => put(" begins with '_', as only the journal's own fields do"),
            EntryProblem::LeadingDigit => put(" begins with a digit, and the name of a field begins with a letter"),
            EntryProblem::InvalidName => put(" is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
        }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

impl core::error::Error for EntryError {}

/// What is wrong with an entry or a field.
///
/// ```
/// use readyup::journal::{EntryProblem, Field};
///
/// assert_eq!(Field::new("", "x").unwrap_err().problem(), EntryProblem::EmptyName);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryProblem {
    /// There is no field.
    Empty,
    /// There are more than [`FIELDS_MAX`] fields.
    TooManyFields {
        /// How many.
        count: usize,
    },
    /// A field without a name.
    EmptyName,
    /// A name of more than [`FIELD_NAME_MAX`] bytes.
    LongName,
    /// A name that begins with `_`.
    Protected,
    /// A name that begins with a digit.
    LeadingDigit,
    /// A name with something else than `A`–`Z`, `0`–`9` and `_`.
    InvalidName,
}
