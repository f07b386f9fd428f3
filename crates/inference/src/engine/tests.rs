use super::*;
use sentimeter_model::Model;

const FILE: &[u8] = include_bytes!("../../../model/tests/artifacts/v1-linear.safetensors");

fn live(name: &str) -> Live {
    let (model, digest) = Model::from_bytes(FILE).unwrap();
    Live::new(name, model, digest)
}

fn engine(settings: Settings) -> Engine {
    Engine::start(live("first"), &settings).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn texts(n: usize) -> Arc<[String]> {
    (0..n).map(|i| format!("text {i} is good, not bad. But {i} is awful!")).collect()
}

const ALL: Wanted = Wanted { explain: true, sentences: true };

#[tokio::test]
async fn here_and_on_the_threads_the_answers_are_the_same() {
    let engine = engine(Settings { batch: 3, ..Settings::default() });
    let (live, texts) = (engine.live(), texts(20));
    for wanted in [Wanted::default(), ALL] {
        let there = engine.score(&live, texts.clone(), wanted, soon()).await.unwrap();
        assert_eq!(there.len(), 20);
        for (text, there) in texts.iter().zip(&there) {
            let here = engine.score_here(&live, &[text], wanted).unwrap();
            assert_eq!(here[0], *there, "{text}");
            assert!((there.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn long_texts_and_long_explanations_are_not_scored_here() {
    let engine = engine(Settings::default());
    let live = engine.live();
    let (short, long) = ("good ".repeat(200), "good ".repeat(500));
    assert!(engine.score_here(&live, &[&short], Wanted::default()).is_some());
    assert!(engine.score_here(&live, &[&short], ALL).is_none());
    assert!(engine.score_here(&live, &[&long], Wanted::default()).is_none());
}

#[tokio::test]
async fn what_was_answered_before_comes_from_the_cache_and_stays_within_its_bytes() {
    let engine = engine(Settings { cache_bytes: 20_000, ..Settings::default() });
    let (live, texts) = (engine.live(), texts(5));
    let first = engine.score(&live, texts.clone(), Wanted::default(), soon()).await.unwrap();
    let again = engine.score(&live, texts.clone(), Wanted::default(), soon()).await.unwrap();
    assert!(first.iter().zip(&again).all(|(a, b)| Arc::ptr_eq(a, b)));
    assert_eq!(engine.cache_stats().hits, 5);
    // Wanted differently, it is another answer.
    let more = engine.score(&live, texts, ALL, soon()).await.unwrap();
    assert!(more[0].explanation.is_some());
    for i in 0..500 {
        engine.score(&live, [format!("another {i}")].into(), Wanted::default(), soon()).await.unwrap();
    }
    let bytes = engine.cache.as_ref().unwrap().bytes();
    assert!(bytes > 0 && bytes <= 20_000, "{bytes}");
}

/// An engine whose one thread is kept busy; gives what keeps it so.
async fn busy(engine: &Arc<Engine>) -> tokio::task::JoinHandle<()> {
    let (engine, live) = (engine.clone(), engine.live());
    let long: Arc<[String]> = [" very good day, ".repeat(40_000)].into();
    let kept = tokio::spawn(async move {
        engine.score(&live, long, ALL, soon()).await.unwrap();
    });
    // On this runtime's one thread it has entered the queue once it waits, and the worker takes it at once.
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    kept
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_was_let_in_is_answered() {
    let one = Settings { threads: 1, queue_jobs: 2, batch: 1, cache_bytes: 0, ..Settings::default() };
    let engine = Arc::new(engine(one));
    let (live, kept) = (engine.live(), busy(&engine).await);
    let ask = |i: usize| {
        let (engine, live) = (engine.clone(), live.clone());
        tokio::spawn(async move {
            engine.score(&live, [format!("text {i}")].into(), Wanted::default(), soon()).await
        })
    };
    let asked: Vec<_> = (0..10).map(ask).collect();
    let (mut answered, mut refused) = (0, 0);
    for one in asked {
        match one.await.unwrap() {
            Ok(_) => answered += 1,
            Err(Refusal::Full { after, .. }) => {
                assert!(after >= Duration::from_secs(1));
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((answered, refused), (2, 8));
    kept.await.unwrap();
}

#[tokio::test]
async fn deadlines_are_kept_and_who_goes_away_costs_nothing() {
    let engine = Arc::new(engine(Settings { threads: 1, cache_bytes: 0, ..Settings::default() }));
    let (live, kept) = (engine.live(), busy(&engine).await);
    let begun = Instant::now();
    let late = engine.score(&live, texts(1), Wanted::default(), begun + Duration::from_millis(1)).await;
    assert_eq!(late.unwrap_err(), Refusal::Late);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let gone = engine.score(&live, texts(3), Wanted::default(), soon());
    let gone = tokio::time::timeout(Duration::from_millis(1), gone).await;
    assert!(gone.is_err(), "the thread was not busy");
    kept.await.unwrap();
    engine.score(&live, texts(1), Wanted::default(), soon()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_are_swapped_under_load_and_each_answer_is_its_own_models() {
    let engine = Arc::new(engine(Settings { batch: 4, ..Settings::default() }));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let live = engine.live();
                    engine.score(&live, texts(9), Wanted::default(), soon()).await.unwrap();
                }
            })
        })
        .collect();
    for i in 0..10 {
        engine.swap(live(&format!("next {i}")));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for one in asking {
        one.await.unwrap();
    }
    assert_eq!(engine.live().name(), "next 9");
}

#[tokio::test]
async fn closed_it_ends_what_it_has_and_takes_nothing_more() {
    let engine = Arc::new(engine(Settings { threads: 1, ..Settings::default() }));
    let kept = busy(&engine).await;
    let closing = {
        let engine = engine.clone();
        std::thread::spawn(move || engine.close())
    };
    kept.await.unwrap();
    closing.join().unwrap();
    let refused = engine.score(&engine.live(), texts(1), ALL, soon()).await;
    assert_eq!(refused.unwrap_err(), Refusal::Closed);
}

#[tokio::test]
async fn who_can_wait_is_answered_alike_and_behind_whoever_cannot() {
    let engine = Arc::new(engine(Settings { threads: 2, cache_bytes: 0, ..Settings::default() }));
    let live = engine.live();
    let few = texts(70);
    let now = engine.score(&live, few.clone(), Wanted::default(), soon()).await.unwrap();
    assert_eq!(engine.score_later(&live, few.clone()).await.unwrap(), now);
    assert!(engine.score_later(&live, Arc::default()).await.unwrap().is_empty());
    // A file of many texts is under way; others do not wait for its end.
    let many: Arc<[String]> = (0..40_000).map(|i| format!("{i} {}", "good but slow, ".repeat(40))).collect();
    let filing = tokio::spawn({
        let (engine, live) = (engine.clone(), live.clone());
        async move { engine.score_later(&live, many).await.unwrap().len() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..20 {
        engine.score(&live, few.clone(), Wanted::default(), soon()).await.unwrap();
    }
    assert!(!filing.is_finished(), "the file should take longer than twenty requests");
    assert_eq!(filing.await.unwrap(), 40_000);
    engine.close();
    assert_eq!(engine.score_later(&live, few).await, Err(Refusal::Closed));
}
