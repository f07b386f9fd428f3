//! The cleaning steps that work on the text, one file each. Every one of them costs no more than a
//! scan when it has nothing to do.

pub(crate) mod arabic;
pub(crate) mod classic;
pub(crate) mod elisions;
pub(crate) mod emoji;
pub(crate) mod emoticons;
pub(crate) mod hashtags;
pub(crate) mod lowercase;
pub(crate) mod squash;
pub(crate) mod unicode;
pub(crate) mod urls;
pub(crate) mod users;
pub(crate) mod words;
