use super::SIZE;
use super::mask::{Mask, Taken};
use crate::fonts;
use crate::theme::Colour;

/// Height of the em of the least frequent words, pixels, where all fit.
const LEAST: f64 = 10.0;
/// The em of the most frequent word is never larger, pixels.
const LARGEST: f64 = 190.0;
/// Share of the picture that the words' boxes may fill before any is placed: above 0.8 the last ones
/// find no place.
const FILL: f64 = 0.78;
/// How often everything is made smaller before words are left out.
const TRIES: usize = 5;

/// A word with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The word.
    pub word: String,
    /// How often it occurs.
    pub frequency: f64,
    /// Left end, units.
    pub x: f64,
    /// Base line, units.
    pub y: f64,
    /// Height of the em, units.
    pub size: f64,
    /// Its colour.
    pub colour: Colour,
}

/// Words that found a place, most frequent first, and how many did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Those drawn.
    pub words: Vec<Placed>,
    /// How many were left out: too long, or without a glyph, or the picture is full.
    pub left_out: usize,
}

pub(super) fn place(words: &[(String, f64)], colour: Colour, seed: u64) -> Placement {
    let shaped: Vec<(Vec<fonts::Glyph>, f64)> =
        words.iter().map(|(word, _)| fonts::shape(&fonts::drawable(word), false)).collect();
    let mut largest = fitting(words, &shaped);
    let spiral = spiral(seed);
    for _ in 0..TRIES {
        let (placed, left) = attempt(words, &shaped, largest, &spiral, colour, seed);
        if left == 0 || largest <= LEAST {
            return Placement { words: placed, left_out: left };
        }
        largest *= 0.9;
    }
    let (words, left_out) = attempt(words, &shaped, largest, &spiral, colour, seed);
    Placement { words, left_out }
}

/// Height of a word's em when the most frequent one has `largest`.
fn height(frequency: f64, most: f64, largest: f64) -> f64 {
    // Tenths, so that the picture's rounded numbers are those that were tested.
    ((largest * (frequency / most).sqrt()).max(LEAST) * 10.0).round() / 10.0
}

/// The largest first word with which all boxes together fill no more than [`FILL`].
fn fitting(words: &[(String, f64)], shaped: &[(Vec<fonts::Glyph>, f64)]) -> f64 {
    let most = words.first().map_or(1.0, |word| word.1);
    let area = |largest: f64| -> f64 {
        let boxes = words.iter().zip(shaped).map(|((_, frequency), (_, wide))| {
            let size = height(*frequency, most, largest);
            ((wide + 0.2) * size + 4.0) * (0.9 * size + 4.0)
        });
        boxes.sum()
    };
    // No word is wider than nine tenths of the picture.
    let widest = words.iter().zip(shaped).take(20).map(|((_, frequency), (_, wide))| {
        0.9 * SIZE[0] as f64 / (wide.max(0.1) * (frequency / most).sqrt())
    });
    let mut high = widest.fold(LARGEST, f64::min).max(LEAST);
    let mut low = LEAST;
    let room = FILL * (SIZE[0] * SIZE[1]) as f64;
    if area(high) <= room {
        return high;
    }
    for _ in 0..20 {
        let middle = f64::midpoint(low, high);
        if area(middle) <= room { low = middle } else { high = middle }
    }
    low
}

fn attempt(
    words: &[(String, f64)],
    shaped: &[(Vec<fonts::Glyph>, f64)],
    largest: f64,
    spiral: &[[i64; 2]],
    colour: Colour,
    seed: u64,
) -> (Vec<Placed>, usize) {
    let most = words.first().map_or(1.0, |word| word.1);
    let mut taken = Taken::new(SIZE);
    let mut placed = Vec::with_capacity(words.len());
    let mut random = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut left_out = 0;
    // Where the spiral was still free for a word at least as high: nearer the middle lower words alone find room.
    let mut reached = (f64::INFINITY, 0);
    for ((word, frequency), (glyphs, _)) in words.iter().zip(shaped) {
        let size = height(*frequency, most, largest);
        let mix = next(&mut random);
        let Some(mask) = Mask::new(glyphs, size, SIZE) else {
            left_out += 1;
            continue;
        };
        let half = [mask.width as i64 / 2, mask.height as i64 / 2];
        let from = if size < reached.0 * 0.9 { 0 } else { reached.1 / 2 };
        let free = |at: usize| {
            let (x, y) = (spiral[at][0] - half[0], spiral[at][1] - half[1]);
            taken.fits(&mask, x, y).then_some((at, x, y))
        };
        let Some((at, x, y)) = (from..spiral.len()).find_map(free).or_else(|| (0..from).find_map(free))
        else {
            left_out += 1;
            continue;
        };
        if from == 0 {
            reached = (size, 0);
        }
        reached.1 = at;
        taken.take(&mask, x, y);
        placed.push(Placed {
            word: word.clone(),
            frequency: *frequency,
            x: (x + mask.origin[0]) as f64,
            y: (y + mask.origin[1]) as f64,
            size,
            colour: match mix % 10 {
                0..=5 => colour,
                6 | 7 => Colour::Ink,
                _ => Colour::Muted,
            },
        });
    }
    (placed, left_out)
}

/// Places from the middle outwards, about four pixels apart, on an Archimedean spiral as flat as the picture, until
/// the corners are passed. The seed turns it and chooses its sense.
fn spiral(seed: u64) -> Vec<[i64; 2]> {
    const STEP: f64 = 4.0;
    let (wide, high) = (SIZE[0] as f64, SIZE[1] as f64);
    let mut random = seed;
    let start = (next(&mut random) % 6_283) as f64 / 1_000.0;
    let sense = if next(&mut random).is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut places = Vec::new();
    let mut angle: f64 = 0.0;
    loop {
        // Radius along the height; along the width it is twice that.
        let radius = STEP * angle / std::f64::consts::TAU;
        if radius > high * 0.75 {
            return places;
        }
        let turned = start + sense * angle;
        let x = (wide / 2.0 + radius * wide / high * libm::cos(turned)).round();
        let y = (high / 2.0 + radius * libm::sin(turned)).round();
        if (0.0..wide).contains(&x) && (0.0..high).contains(&y) {
            places.push([x as i64, y as i64]);
        }
        angle += STEP / (radius * wide / high).max(STEP);
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
