//! Right answers by length.

use crate::Detector;
use crate::texts::Group;

/// An answer below this counts as none: what the recipe `auto` asks for.
pub const SURE: f64 = 0.6;

/// Most letters of each class of length but the last.
const UP_TO: [usize; 3] = [20, 40, 80];
const CLASSES: usize = UP_TO.len() + 1;

/// Right answers and texts of each class of length, and how many wrong answers were sure.
#[derive(Default)]
pub struct Score {
    classes: [(u32, u32); CLASSES],
    wrong_and_sure: u32,
}

impl Score {
    /// What `detector` makes of the texts.
    pub fn of(group: &Group, detector: Detector) -> Self {
        let mut score = Self::default();
        for text in &group.texts {
            let (language, confidence) = detector(text);
            let right = language == group.want;
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            let class = UP_TO.iter().position(|&most| letters <= most).unwrap_or(UP_TO.len());
            score.classes[class].0 += u32::from(right);
            score.classes[class].1 += 1;
            score.wrong_and_sure += u32::from(!right && confidence >= SURE);
        }
        score
    }

    fn all(&self) -> (u32, u32) {
        self.classes.iter().fold((0, 0), |sum, class| (sum.0 + class.0, sum.1 + class.1))
    }
}

/// The cells of one row of the table: each class, all, and the share that was wrong and sure of it,
/// the detectors side by side.
pub fn cells(scores: &[Score]) -> String {
    let side_by_side = |parts: &dyn Fn(&Score) -> (u32, u32)| -> String {
        let texts = parts(&scores[0]).1;
        if texts == 0 {
            return "–".to_owned();
        }
        let share = |score| 100.0 * f64::from(parts(score).0) / f64::from(texts);
        let shares: Vec<String> = scores.iter().map(|score| format!("{:.1}", share(score))).collect();
        format!("{} of {texts}", shares.join(" / "))
    };
    let mut cells: Vec<String> =
        (0..CLASSES).map(|class| side_by_side(&|score| score.classes[class])).collect();
    cells.push(side_by_side(&Score::all));
    cells.push(side_by_side(&|score| (score.wrong_and_sure, score.all().1)));
    cells.join(" | ")
}
