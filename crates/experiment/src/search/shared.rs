//! What candidates share: cleaned texts by recipe, n-grams by recipe and range, vocabularies by fold.

use std::sync::Arc;

use sentimeter_corpus::Corpus;
use sentimeter_model::Hooks;
use sentimeter_model::features::sampling::Sampling;
use sentimeter_model::features::{self, Counts, Tokens};

use super::candidates::Candidate;
use super::results::Work;
use crate::plan::RecipePlan;
use crate::prepare::Row;
use crate::{ExperimentError, Plan};

/// Bytes of counts that are kept from round to round of a halving search; the oldest go first.
const KEPT: usize = 2 << 30;

/// Candidates that differ in nothing that texts are cleaned by.
pub(super) struct ByRecipe {
    pub(super) recipe: RecipePlan,
    pub(super) ranges: Vec<ByRange>,
}

/// Those of them whose n-grams are the same.
pub(super) struct ByRange {
    pub(super) features: features::Settings,
    pub(super) vocabularies: Vec<ByVocabulary>,
}

/// Those of them that learn from the same rows of numbers.
#[derive(Debug, Clone)]
pub(super) struct ByVocabulary {
    pub(super) members: Vec<usize>,
}

/// Sorts the linear models among `chosen` candidates by what they share, each in the order of its first one.
pub(super) fn groups(candidates: &[Candidate], chosen: &[usize]) -> Vec<ByRecipe> {
    let mut recipes: Vec<ByRecipe> = Vec::new();
    for &i in chosen.iter().filter(|&&i| candidates[i].plan.model.network().is_none()) {
        let plan = &candidates[i].plan;
        let recipe = find(
            &mut recipes,
            |r| r.recipe == plan.recipe,
            || ByRecipe { recipe: plan.recipe.clone(), ranges: Vec::new() },
        );
        let range = find(
            &mut recipe.ranges,
            |r| ranges(&r.features) == ranges(&plan.features),
            || ByRange { features: plan.features.clone(), vocabularies: Vec::new() },
        );
        let first = |v: &ByVocabulary| &candidates[v.members[0]].plan;
        let same = |v: &ByVocabulary| first(v).features == plan.features && valued(first(v)) == valued(plan);
        find(&mut range.vocabularies, same, || ByVocabulary { members: Vec::new() }).members.push(i);
    }
    recipes
}

fn find<T>(all: &mut Vec<T>, same: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = all.iter().position(same).unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    });
    &mut all[at]
}

/// What n-grams are counted.
fn ranges(features: &features::Settings) -> (Option<[u8; 2]>, Option<[u8; 2]>) {
    (features.words, features.chars)
}

/// Whether rows are weighed with a value for each entry, as SMOTE wants them.
fn valued(plan: &Plan) -> bool {
    plan.sampling.kind == Sampling::Smote
}

/// The texts to learn from, and what was made of them.
pub(super) struct Shelf<'a> {
    data: &'a Corpus,
    train: &'a [Row],
    /// Cleaned texts of the recipe at hand.
    tokens: Option<(RecipePlan, Tokens)>,
    /// Counts of earlier rounds.
    counts: Vec<(RecipePlan, features::Settings, Arc<Counts>)>,
    /// Bytes of counts that may be kept; none where every group has its turn once.
    keeps: usize,
}

impl<'a> Shelf<'a> {
    /// Nothing made yet; counts are kept where candidates come back for them.
    pub(super) fn new(data: &'a Corpus, train: &'a [Row], rounds: usize) -> Self {
        let keeps = if rounds > 1 { KEPT } else { 0 };
        Self { data, train, tokens: None, counts: Vec::new(), keeps }
    }

    /// The cleaned texts of a recipe, made where they are not at hand. [`Shelf::keep`] gives them back.
    pub(super) fn tokens(
        &mut self,
        recipe: &RecipePlan,
        work: &mut Work,
        hooks: &mut dyn Hooks,
    ) -> Result<Tokens, ExperimentError> {
        if let Some((of, tokens)) = self.tokens.take()
            && of == *recipe
        {
            return Ok(tokens);
        }
        let plan = Plan { recipe: recipe.clone(), ..Plan::default() };
        let analyzer = plan.recipe()?.compile()?;
        work.cleaned += 1;
        let text = |i: usize| self.data.text(self.train[i].row as usize);
        Ok(Tokens::read(&analyzer, self.train.len(), text, hooks)?)
    }

    /// Has the cleaned texts of a recipe at hand for whoever wants them next.
    pub(super) fn keep(&mut self, recipe: &RecipePlan, tokens: Tokens) {
        self.tokens = Some((recipe.clone(), tokens));
    }

    /// The counts of a group, made where they are not kept. `more` says whether the recipe's texts are
    /// wanted for another group right after.
    pub(super) fn counts(
        &mut self,
        recipe: &ByRecipe,
        range: &ByRange,
        more: bool,
        work: &mut Work,
        hooks: &mut dyn Hooks,
    ) -> Result<Arc<Counts>, ExperimentError> {
        let kept = self
            .counts
            .iter()
            .find(|(of, features, _)| *of == recipe.recipe && ranges(features) == ranges(&range.features));
        if let Some((_, _, counts)) = kept {
            return Ok(Arc::clone(counts));
        }
        let tokens = self.tokens(&recipe.recipe, work, hooks)?;
        if more {
            self.keep(&recipe.recipe, tokens.clone());
        }
        work.counted += 1;
        let counts = Arc::new(Counts::new(tokens, &range.features)?);
        let bytes = counts.bytes();
        if bytes <= self.keeps {
            let mut held: usize = bytes + self.counts.iter().map(|(_, _, kept)| kept.bytes()).sum::<usize>();
            while held > self.keeps {
                held -= self.counts.remove(0).2.bytes();
            }
            self.counts.push((recipe.recipe.clone(), range.features.clone(), Arc::clone(&counts)));
        }
        Ok(counts)
    }
}
