//! The cleaning steps that work on the text, one file each. Every one of them costs no more than a
//! scan when it has nothing to do.

pub(crate) mod classic;
pub(crate) mod lowercase;
pub(crate) mod squash;
