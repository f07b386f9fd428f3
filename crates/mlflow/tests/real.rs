//! What our client sends to a real MLflow server, read back with MLflow's own.
#![allow(clippy::unwrap_used)]

mod server;

use std::path::{Path, PathBuf};

use sentimeter_mlflow::wire::{
    Dataset, DatasetInput, Metric, NewLoggedModel, NewRun, NewVersion, Pair, Status,
};
use sentimeter_mlflow::{At, Batch, Client, Found, Halt, Reference, Settings, Verdict, cut, key};
use serde_json::json;
use server::{Options, Server};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readback.py")
}

fn client_with(server: &Server, set: &[(&str, &str)]) -> Client {
    let get = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    let settings = Settings::read(Some(&server.uri()), &get, None).unwrap().unwrap();
    Client::new(&settings, Halt::default()).unwrap()
}

fn new_run(experiment_id: &str, unique: &str) -> NewRun {
    NewRun {
        experiment_id: experiment_id.to_owned(),
        run_name: format!("run {unique}"),
        start_time: 1_760_000_000_000,
        tags: vec![Pair::new("sentimeter.run", unique), Pair::new("mlflow.user", "ann")],
    }
}

fn point(name: &str, step: i64, value: f64) -> Metric {
    Metric {
        key: key(name),
        value,
        timestamp: 1_760_000_000_000 + step,
        step,
        model_id: None,
        dataset_name: None,
        dataset_digest: None,
    }
}

#[test]
fn what_is_sent_is_read_back_by_mlflows_own_client() {
    let Some(server) = Server::start() else { return };
    let client = client_with(&server, &[]);
    assert!(client.version().is_some_and(|version| version.starts_with("3.")), "{:?}", client.version());

    // Experiments: made once, found again, brought back.
    let name = "avis clients: été / دقة";
    let (made, how) = client.experiment(name).unwrap();
    assert_eq!(how, Found::Made);
    let (again, how) = client.experiment(name).unwrap();
    assert_eq!((&again.experiment_id, how), (&made.experiment_id, Found::There));
    server.ask(&script(), &["delete-experiment", name]);
    let (back, how) = client.experiment(name).unwrap();
    assert_eq!((&back.experiment_id, how), (&made.experiment_id, Found::Restored));
    let experiment = made.experiment_id;

    // Runs: found by a tag that no other has, deleted ones too.
    let tag = Pair::new("sentimeter.run", "r-1");
    assert!(client.find_run(&experiment, &tag).unwrap().is_none());
    let run = client.create_run(&new_run(&experiment, "r-1")).unwrap();
    let other = client.create_run(&new_run(&experiment, "r-2")).unwrap();
    let id = run.info.run_id.as_str();
    assert_eq!(client.find_run(&experiment, &tag).unwrap().unwrap().info.run_id, id);
    server.ask(&script(), &["delete-run", &other.info.run_id]);
    let gone = client.find_run(&experiment, &Pair::new("sentimeter.run", "r-2")).unwrap().unwrap();
    assert_eq!(gone.info.lifecycle_stage, "deleted");
    let to_deleted = Batch { params: vec![Pair::new("c", "1")], ..Batch::default() };
    assert_eq!(client.log(&other.info.run_id, to_deleted).unwrap_err().verdict(), Verdict::Never);

    // More than a batch takes of everything, keys that no server takes, twice.
    let limits = client.limits();
    let long = "é".repeat(7000);
    let mut params: Vec<Pair> = (0..230).map(|i| Pair::new(format!("p{i:03}"), i.to_string())).collect();
    params.extend([
        Pair::new(key("دقة"), "عربي"),
        Pair::new(key("bad@key//x"), ""),
        Pair::new("long", cut(&long, limits.param).0),
    ]);
    let mut metrics: Vec<Metric> = (0..2300).map(|i| point("loss", i, 1.0 / (i + 1) as f64)).collect();
    metrics.extend([
        point("nan", 0, f64::NAN),
        point("inf", 0, f64::INFINITY),
        point("f1/très bien!", 0, 0.5),
    ]);
    let tags = (0..120).map(|i| Pair::new(format!("t{i}"), "x")).collect();
    let entries = Batch { metrics, params, tags };
    client.log(id, entries.clone()).unwrap();
    client.log(id, entries).unwrap();

    let dataset = DatasetInput {
        tags: vec![Pair::new("mlflow.data.context", "training")],
        dataset: Dataset {
            name: "feedback".to_owned(),
            digest: "0123456789abcdef".to_owned(),
            source_type: "local".to_owned(),
            source: json!({"uri": "feedback.csv"}).to_string(),
            schema: Some(json!({"mlflow_colspec": [{"type": "string", "name": "text"}]}).to_string()),
            profile: Some(json!({"num_rows": 450}).to_string()),
        },
    };
    client.log_inputs(id, std::slice::from_ref(&dataset)).unwrap();
    client.log_inputs(id, &[dataset]).unwrap();

    // Artifacts: names that need care, an empty file, one of some size, listed and got back.
    let place = client.artifacts(&run.info.artifact_uri).unwrap();
    let big: Vec<u8> = (0..3_000_000_u32).map(|i| ((i * 31) >> 3) as u8).collect();
    let file = server.folder().join("big.bin");
    std::fs::write(&file, &big).unwrap();
    place.put("model data/big.bin", &file).unwrap();
    place.put_bytes("plots/matrice été 1.png", b"not yet").unwrap();
    place.put_bytes("plots/matrice été 1.png", b"png").unwrap();
    place.put_bytes("empty.txt", b"").unwrap();
    let listed: Vec<(String, i64)> =
        place.list().unwrap().into_iter().map(|f| (f.path, f.file_size)).collect();
    let wanted = [("empty.txt", 0), ("model data/big.bin", 3_000_000), ("plots/matrice été 1.png", 3)];
    assert_eq!(listed, wanted.map(|(path, size)| (path.to_owned(), size)));
    let mut back = Vec::new();
    assert_eq!(place.get("model data/big.bin", 3_000_000, &mut back).unwrap(), 3_000_000);
    assert_eq!(back, big);
    assert!(place.get("model data/big.bin", 2_999_999, &mut Vec::new()).is_err(), "larger than allowed");
    assert!(place.get("nothing.txt", 10, &mut Vec::new()).unwrap_err().absent());

    // A model, asked for twice as after a lost answer.
    let new = NewLoggedModel {
        experiment_id: experiment.clone(),
        name: "sentiment".to_owned(),
        model_type: "text-classification".to_owned(),
        source_run_id: id.to_owned(),
        params: vec![Pair::new("c", "1.5")],
        tags: vec![tag.clone()],
    };
    let model = client.logged_model(&new, &tag).unwrap().info;
    assert_eq!(client.logged_model(&new, &tag).unwrap().info.model_id, model.model_id);
    let files = client.artifacts(&model.artifact_uri).unwrap();
    files.put_bytes("MLmodel", b"flavors:\n  sentimeter:\n    data: model.safetensors\n").unwrap();
    files.put_bytes("model.safetensors", b"weights").unwrap();
    client.finish_logged_model(&model.model_id).unwrap();
    client.log_output(id, &model.model_id).unwrap();
    client.log_output(id, &model.model_id).unwrap();

    // Its version, and an alias that moves.
    let name = "it's a model";
    client.registered_model(name, "what it is").unwrap();
    client.registered_model(name, "what it is").unwrap();
    let version = |unique: &str| NewVersion {
        name: name.to_owned(),
        source: model.artifact_uri.clone(),
        run_id: id.to_owned(),
        model_id: Some(model.model_id.clone()),
        tags: vec![Pair::new("sentimeter.run", unique)],
        description: "measured".to_owned(),
    };
    let one = client.model_version(&version("r-1"), &tag).unwrap();
    assert_eq!(client.model_version(&version("r-1"), &tag).unwrap().version, one.version);
    let two = client.model_version(&version("r-3"), &Pair::new("sentimeter.run", "r-3")).unwrap();
    assert_eq!((one.version.as_str(), two.version.as_str()), ("1", "2"));
    client.set_alias(name, "champion", &one.version).unwrap();
    client.set_alias(name, "champion", &two.version).unwrap();
    let champion = client.find_version(name, &At::Alias("champion".to_owned())).unwrap();
    assert_eq!((champion.version.as_str(), champion.run_id.as_str()), ("2", id));
    assert_eq!(client.find_version(name, &At::Version("1".to_owned())).unwrap().version, "1");
    assert_eq!(client.download_uri(&champion).unwrap(), model.artifact_uri);
    assert_eq!(client.logged_model_uri(&model.model_id).unwrap(), model.artifact_uri);
    for missing in [At::Alias("nobody".to_owned()), At::Version("9".to_owned())] {
        assert_eq!(client.find_version(name, &missing).unwrap_err().verdict(), Verdict::Never);
    }
    assert!(
        client.set_alias(name, "latest", "1").unwrap_err().to_string().contains("latest"),
        "a reserved one"
    );
    client.update_run(id, Status::Finished, Some(1_760_000_009_000)).unwrap();

    // Fetched again, by every name that it has; what is none of ours is said to be none.
    for reference in [
        format!("models:/{name}@champion"),
        format!("models:/{name}/1"),
        format!("models:/{}", model.model_id),
    ] {
        let mut file = Vec::new();
        let fetched = client.fetch_model(&reference.parse().unwrap(), &mut file).unwrap();
        assert_eq!((file.as_slice(), fetched.size), (&b"weights"[..], 7), "{reference}");
    }
    let refused = |reference: &str| {
        let reference = reference.parse::<Reference>().unwrap();
        client.fetch_model(&reference, &mut Vec::new()).unwrap_err().to_string()
    };
    place.put_bytes("foreign/MLmodel", b"flavors:\n  sklearn:\n    code: null\n").unwrap();
    let said = refused(&format!("runs:/{id}/foreign"));
    assert!(said.contains("not a sentimeter model: it has the flavours sklearn"), "{said}");
    assert!(refused(&format!("models:/{name}@nobody")).contains("there is no models:/"));
    assert!(refused("models:/nobody/1").contains("there is no models:/nobody/1"));

    let read = server.ask(&script(), &["run", id]);
    for (what, want) in [
        ("name", json!("run r-1")),
        ("status", json!("FINISHED")),
        ("start", json!(1_760_000_000_000_i64)),
        ("end", json!(1_760_000_009_000_i64)),
        ("experiment", json!("avis clients: été / دقة")),
    ] {
        assert_eq!(read[what], want);
    }
    let params = read["params"].as_object().unwrap();
    assert_eq!(params.len(), 233);
    assert_eq!((&params["p229"], &params["دقة"]), (&json!("229"), &json!("عربي")));
    let kept = params["long"].as_str().unwrap();
    assert!(kept.chars().count() == 6000 && kept.ends_with('…'), "cut by us, not in silence");
    let loss = read["metrics"]["loss"].as_array().unwrap();
    assert_eq!(loss.len(), 2300, "each point once");
    assert_eq!((&loss[2299], &read["metrics"]["nan"]), (&json!([2299, 1.0 / 2300.0]), &json!([[0, "nan"]])));
    assert_eq!(read["metrics"][key("f1/très bien!")], json!([[0, 0.5]]));
    assert_eq!(read["tags"].as_object().unwrap().keys().filter(|k| k.starts_with('t')).count(), 120);
    let inputs = read["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 1, "the same data once");
    assert_eq!(inputs[0]["context"], json!({"mlflow.data.context": "training"}));
    assert_eq!(inputs[0]["name"], "feedback");
    let artifacts: Vec<&String> = read["artifacts"].as_object().unwrap().keys().collect();
    assert_eq!(artifacts.len(), 4, "{artifacts:?}");
    let models = read["models"].as_array().unwrap();
    assert_eq!((models.len(), &models[0]["params"]), (1, &json!({"c": "1.5"})));
    assert_eq!(models[0]["flavors"], json!(["sentimeter"]));
    let read = server.ask(&script(), &["version", name, "champion"]);
    assert_eq!((&read["version"], &read["versions"]), (&json!("2"), &json!([1, 2])));
    assert_eq!(
        server.ask(&script(), &["runs", "nothing of this name"]),
        json!([]),
        "no experiment by accident"
    );
}

#[test]
fn who_may_not_enter_is_told_so() {
    let with_auth = |folder: &Path| {
        let config = folder.join("auth.ini");
        let users = folder.join("users.db");
        std::fs::write(
            &config,
            format!(
                "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{}\nadmin_username = admin\n\
                 admin_password = a-long-password-1\n\
                 authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
                users.display()
            ),
        )
        .unwrap();
        let variable = |name: &str, value: String| (name.to_owned(), value);
        Options {
            args: vec!["--app-name".to_owned(), "basic-auth".to_owned()],
            variables: vec![
                variable("MLFLOW_AUTH_CONFIG_PATH", config.display().to_string()),
                variable("MLFLOW_FLASK_SERVER_SECRET_KEY", "for this test".to_owned()),
            ],
            tls: false,
        }
    };
    let Some(server) = Server::start_with(with_auth) else { return };
    const USER: &str = "MLFLOW_TRACKING_USERNAME";
    const PASSWORD: &str = "MLFLOW_TRACKING_PASSWORD";
    let admin = [(USER, "admin"), (PASSWORD, "a-long-password-1")];
    let client = client_with(&server, &admin);
    let (experiment, _) = client.experiment("secret").unwrap();
    let run = client.create_run(&new_run(&experiment.experiment_id, "r-1")).unwrap();
    client.artifacts(&run.info.artifact_uri).unwrap().put_bytes("a.txt", b"a").unwrap();
    assert_eq!(client.artifacts(&run.info.artifact_uri).unwrap().list().unwrap().len(), 1);

    for keys in [&[][..], &[(USER, "admin"), (PASSWORD, "wrong")], &[("MLFLOW_TRACKING_TOKEN", "t")]] {
        let error = client_with(&server, keys).experiment("secret").unwrap_err();
        assert_eq!(error.verdict(), Verdict::Barred);
        let said = error.to_string();
        assert!(said.contains("answers 401") && said.contains(USER) && !said.contains("wrong"), "{said}");
    }

    let made = std::process::Command::new(server::programs().unwrap().join("python"))
        .arg(script())
        .args(["user", "reader", "another-password-2"])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .envs(admin)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let reader = client_with(&server, &[(USER, "reader"), (PASSWORD, "another-password-2")]);
    assert_eq!(reader.experiment("secret").unwrap().1, Found::There);
    let error = reader.create_run(&new_run(&experiment.experiment_id, "r-2")).unwrap_err();
    assert_eq!(error.verdict(), Verdict::Barred);
    assert!(error.to_string().contains("answers 403: Permission denied"), "{error}");
}

#[test]
fn certificates_are_checked_unless_told_otherwise() {
    let with_tls = |folder: &Path| {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let how = format!("--ssl-keyfile {} --ssl-certfile {}", at("key.pem"), at("cert.pem"));
        Options { args: vec!["--uvicorn-opts".to_owned(), how], variables: Vec::new(), tls: true }
    };
    let Some(server) = Server::start_with(with_tls) else { return };
    const NAME: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
    let once = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0");
    let error = client_with(&server, &[once]).experiment("x").unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    client_with(&server, &[once, ("MLFLOW_TRACKING_INSECURE_TLS", "true")]).experiment("x").unwrap();
    let cert = server.folder().join("cert.pem").display().to_string();
    client_with(&server, &[once, (NAME, &cert)]).experiment("x").unwrap();

    let get = |name: &str| (name == NAME).then(|| server.folder().join("none.pem").display().to_string());
    let settings = Settings::read(Some(&server.uri()), &get, None).unwrap().unwrap();
    let error = Client::new(&settings, Halt::default()).unwrap_err().to_string();
    assert!(error.starts_with(NAME) && error.contains("none.pem"), "{error}");
}
