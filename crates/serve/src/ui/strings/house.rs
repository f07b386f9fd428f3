//! The strings of everything but Analyse: a line for each, in English and in French.

macro_rules! house {
    ($($name:ident: $english:literal, $french:literal;)*) => {
        /// The strings of a language; `{}` stands where something is put in.
        #[derive(Debug, PartialEq, Eq)]
        pub(crate) struct House { $(pub(crate) $name: &'static str,)* }

        pub(super) const ENGLISH: House = House { $($name: $english,)* };
        pub(super) const FRENCH: House = House { $($name: $french,)* };

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $french),)*];
    };
}

house! {
    // Everywhere
    review: "Review", "Relecture";
    models: "Models", "Modèles";
    experiments: "Experiments", "Expériences";
    data: "Data", "Données";
    settings: "Settings", "Réglages";
    skip: "Skip to the content", "Aller au contenu";
    menu: "Menu", "Menu";
    sign_in: "Sign in", "Se connecter";
    sign_out: "Sign out", "Se déconnecter";
    none: "–", "–";
    cancel: "Cancel", "Annuler";
    name: "Name", "Nom";
    time: "When (UTC)", "Quand (UTC)";
    who: "Who", "Qui";
    what: "What", "Quoi";
    why: "Why", "Pourquoi";
    status: "Status", "État";
    rows: "Rows", "Lignes";
    older: "Older", "Plus anciens";
    newer: "Newest", "Plus récents";
    back: "Back", "Retour";
    // Faults
    fault: "This did not work", "Cela n’a pas marché";
    forbidden: "Your key has the role {}; this page wants {}. Sign in with another key, or ask whoever runs the server for one.", "Votre clé a le rôle {} ; cette page demande {}. Connectez-vous avec une autre clé, ou demandez-en une à qui gère le serveur.";
    missing: "There is nothing here.", "Il n’y a rien ici.";
    stale: "This page was open too long, or came from elsewhere. Go back, load it again and repeat what you did.", "Cette page est restée ouverte trop longtemps, ou vient d’ailleurs. Revenez, rechargez-la et recommencez.";
    often: "Too many attempts. Wait {} seconds and try again.", "Trop de tentatives. Attendez {} secondes et réessayez.";
    // Sign in
    sign_in_lead: "With a key. Whoever runs this server makes one with `sentimeter keys create`; its first start printed the first.", "Avec une clé. Qui gère ce serveur en crée une avec `sentimeter keys create` ; le premier démarrage a affiché la première.";
    key: "Key", "Clé";
    unknown_key: "This key opens nothing: it is mistyped, or it was revoked.", "Cette clé n’ouvre rien : elle est mal saisie, ou elle a été révoquée.";
    // Review
    review_lead: "Answers that somebody called wrong. What you accept or correct, the next model can learn from.", "Des réponses que quelqu’un a jugées fausses. Ce que vous acceptez ou corrigez, le prochain modèle peut l’apprendre.";
    review_keys: "Keys: j next, k previous, a accept, r reject, c correct.", "Touches : j suivant, k précédent, a accepter, r rejeter, c corriger.";
    review_empty: "Nothing waits to be reviewed. Reports come from “Wrong?” on the page Analyse, and from POST /v1/reports.", "Rien n’attend de relecture. Les signalements viennent de « Faux ? » sur la page Analyse, et de POST /v1/reports.";
    review_none: "No report is like that.", "Aucun signalement n’est ainsi.";
    said: "The model said", "Le modèle a dit";
    should: "the report says", "le signalement dit";
    accept: "Accept", "Accepter";
    reject: "Reject", "Rejeter";
    correct: "Correct", "Corriger";
    correct_to: "It is", "C’est";
    pending: "Waiting", "En attente";
    accepted: "Accepted", "Acceptés";
    corrected: "Corrected", "Corrigés";
    rejected: "Rejected", "Rejetés";
    second: "For a second opinion", "Pour un second avis";
    decided: "Decided: {}.", "Décidé : {}.";
    by: "by", "par";
    agreement: "Agreement", "Accord";
    agreement_lead: "On reviewed reports and labelled texts. Those were called wrong, and these are the ones that the model is least sure of: over all answers, it agrees more often.", "Sur les signalements relus et les textes étiquetés. On avait jugé faux les premiers, et le modèle doute le plus des seconds : sur l’ensemble des réponses, il est plus souvent d’accord.";
    agreement_empty: "It is measured once reports are reviewed; between reviewers, once two have judged the same (“For a second opinion”, “For a second label”).", "Mesuré dès que des signalements sont relus ; entre relecteurs, dès que deux ont jugé les mêmes (« Pour un second avis », « Pour une seconde étiquette »).";
    pair: "Who and who", "Qui et qui";
    the_model: "the model", "le modèle";
    reports: "Reports", "Signalements";
    same: "Same label", "Même étiquette";
    kappa: "Cohen’s kappa", "Kappa de Cohen";
    // Labelling
    label_open: "To label", "À étiqueter";
    label_second: "For a second label", "Pour une seconde étiquette";
    label_go: "Label texts that the model is unsure of", "Étiqueter des textes dont le modèle doute";
    label_lead: "Kept feedback that the model is least sure of, no two alike. What you label, the next model can learn from.", "Des avis gardés dont le modèle doute le plus, sans deux semblables. Ce que vous étiquetez, le prochain modèle peut l’apprendre.";
    label_second_lead: "Texts that others have labelled. Say what you think without having seen what they said: agreement is measured on it.", "Des textes que d’autres ont étiquetés. Dites ce que vous en pensez sans avoir vu leur avis : l’accord se mesure ainsi.";
    label_language: "Language", "Langue";
    label_any: "all", "toutes";
    label_text: "Text", "Texte";
    label_keys: "Keys: a number for its label, s leave it to others, j next, k previous, u back to the last one, to change it.", "Touches : un chiffre pour son étiquette, s laisser à d’autres, j suivant, k précédent, u revenir au dernier, pour en changer.";
    label_skip: "Leave it to others", "Laisser à d’autres";
    label_skipped: "Left to others.", "Laissé à d’autres.";
    labelled: "Labelled: {}.", "Étiqueté : {}.";
    label_more: "The next ones", "Les suivants";
    label_empty: "No feedback is kept yet. Send some to `POST /v1/items`, or score a file on the page Batch and keep its rows.", "Aucun avis n’est encore gardé. Envoyez-en à `POST /v1/items`, ou analysez un fichier sur la page Fichiers en gardant ses lignes.";
    label_done: "Nothing more waits for a label: what is left repeats texts that have one, or you left it to others. What comes in next appears here.", "Plus rien n’attend d’étiquette : le reste répète des textes qui en ont une, ou vous l’avez laissé à d’autres. Ce qui arrivera apparaîtra ici.";
    label_none_in: "Nothing in this language waits.", "Rien n’attend dans cette langue.";
    label_second_none: "Others have labelled nothing that you have not.", "D’autres n’ont rien étiqueté que vous n’ayez pas.";
    label_said: "a reviewer says", "un relecteur dit";
    label_use: "What becomes of it", "Ce qu’il en advient";
    label_use_lead: "A label is an accepted report: `sentimeter train --data NAME --with-feedback` learns from it, and it stands under “Accepted”. How you agree with others and with the model is shown there, too.", "Une étiquette est un signalement accepté : `sentimeter train --data NOM --with-feedback` en apprend, et elle figure sous « Acceptés ». Votre accord avec les autres et avec le modèle s’y voit aussi.";
    // Models
    models_lead: "What is registered, and which version answers.", "Ce qui est enregistré, et quelle version répond.";
    models_empty: "No model is registered yet. Train one and give it a name:", "Aucun modèle n’est encore enregistré. Entraînez-en un et donnez-lui un nom :";
    answering: "Answering now", "Répond en ce moment";
    versions: "Versions", "Versions";
    version: "Version", "Version";
    registered: "Registered (UTC)", "Enregistré (UTC)";
    macro_f1: "Macro F1", "Macro F1";
    accuracy: "Accuracy", "Exactitude";
    learned: "Learned from", "Appris de";
    run: "Run", "Exécution";
    history: "History", "Historique";
    history_empty: "Nothing has happened yet.", "Il ne s’est encore rien passé.";
    promote: "Promote", "Promouvoir";
    promote_title: "Promote {}?", "Promouvoir {} ?";
    promote_lead: "It will be the champion: what answers wherever {} is asked. Nothing is interrupted, and you can roll back.", "Ce sera le champion : celui qui répond partout où {} est demandé. Rien n’est interrompu, et vous pouvez revenir en arrière.";
    promote_free: "There is no champion yet.", "Il n’y a pas encore de champion.";
    promote_holds: "It is the champion already.", "C’est déjà le champion.";
    promote_compared: "{}.", "{}.";
    promote_unknown: "Nobody can say which is better: {}.", "Nul ne peut dire lequel est meilleur : {}.";
    reason: "Reason", "Raison";
    reason_hint: "Kept in the history. Needed where the rule is set aside.", "Gardée dans l’historique. Nécessaire si la règle est écartée.";
    force: "Promote it even if it is worse, or was never compared", "Le promouvoir même s’il est moins bon, ou n’a jamais été comparé";
    compare_versions: "Compare the chosen ones", "Comparer les choisies";
    roll_back: "Roll back", "Revenir en arrière";
    roll_back_title: "Roll {} back?", "Ramener {} en arrière ?";
    roll_back_lead: "{} answers again, in place of {}.", "{} répondra de nouveau, à la place de {}.";
    no_former: "There is no former champion to go back to.", "Il n’y a pas d’ancien champion auquel revenir.";
    card: "Model card", "Fiche du modèle";
    deleted: "deleted", "supprimée";
    signed_out_hint: "Sign in with an admin key to promote or roll back.", "Connectez-vous avec une clé admin pour promouvoir ou revenir en arrière.";
    // Experiments
    runs_lead: "Everything that was trained, searched or measured, newest first. Choose two or more to compare.", "Tout ce qui a été entraîné, cherché ou mesuré, du plus récent au plus ancien. Choisissez-en deux ou plus pour comparer.";
    runs_empty: "Nothing is recorded yet. Train a model, and it appears here:", "Rien n’est encore enregistré. Entraînez un modèle, et il apparaît ici :";
    runs_none: "No run is like that.", "Aucune exécution n’est ainsi.";
    compare: "Compare", "Comparer";
    compare_few: "Choose at least two runs to compare.", "Choisissez au moins deux exécutions à comparer.";
    compare_title: "Comparison", "Comparaison";
    compare_page: "All of it, with plots", "Tout, avec les graphiques";
    kind: "Kind", "Genre";
    started: "Started (UTC)", "Début (UTC)";
    took: "Took", "Durée";
    search: "Search", "Chercher";
    search_runs: "Name or id", "Nom ou identifiant";
    report: "Report", "Rapport";
    report_open: "Open the report by itself", "Ouvrir le rapport à part";
    report_none: "This run left no report; `sentimeter evaluate --report` measures its model.", "Cette exécution n’a pas laissé de rapport ; `sentimeter evaluate --report` mesure son modèle.";
    metrics: "Metrics", "Mesures";
    parameters: "Settings", "Réglages";
    files: "Files", "Fichiers";
    read: "Read", "A lu";
    command: "Command", "Commande";
    differing: "What was set differently", "Ce qui était réglé autrement";
    all_same: "All settings are the same.", "Tous les réglages sont les mêmes.";
    measured: "What came of it", "Ce qui en est sorti";
    again: "To train it again:", "Pour l’entraîner de nouveau :";
    // Data
    data_lead: "What was imported: immutable snapshots, named by their content.", "Ce qui a été importé : des instantanés immuables, nommés par leur contenu.";
    data_empty: "No data set is imported yet. Import one:", "Aucun jeu de données n’est encore importé. Importez-en un :";
    labels: "Labels", "Étiquettes";
    imported: "Imported (UTC)", "Importé (UTC)";
    unlabelled: "without a label", "sans étiquette";
    source_files: "Files", "Fichiers";
    kept: "Kept", "Gardées";
    broken: "Broken", "Cassées";
    repeats: "{} rows repeat a text, {} more do nearly; {} texts stood with different labels.", "{} lignes répètent un texte, {} de plus presque ; {} textes portaient des étiquettes différentes.";
    profile: "Profile", "Profil";
    profile_open: "Open the profile", "Ouvrir le profil";
    profile_none: "No profile was made yet: what is in the data, and what is wrong with it.", "Aucun profil n’a encore été fait : ce que contiennent les données, et ce qui n’y va pas.";
    profile_make: "Make the profile", "Faire le profil";
    profile_again: "Make it again", "Le refaire";
    profile_now: "The profile is being made, behind everything else. It appears here; you may close this page.", "Le profil est en cours, derrière tout le reste. Il apparaîtra ici ; vous pouvez fermer cette page.";
    profile_other: "The profile of {} is being made; this one can follow.", "Le profil de {} est en cours ; celui-ci pourra suivre.";
    profile_failed: "The profile could not be made: {}", "Le profil n’a pas pu être fait : {}";
    // Settings
    settings_lead: "Who may ask this server for what, and what was changed.", "Qui peut demander quoi à ce serveur, et ce qui a changé.";
    keys: "Keys", "Clés";
    keys_lead: "A key's secret is shown once. A revoked one opens nothing within two seconds.", "Le secret d’une clé est montré une fois. Une clé révoquée n’ouvre plus rien après deux secondes.";
    role: "Role", "Rôle";
    create_key: "Create a key", "Créer une clé";
    key_for: "What for", "Pour quoi";
    key_for_hint: "who or what will use it", "qui ou quoi s’en servira";
    made_key: "The key “{}”, shown this once. Copy it now:", "La clé « {} », montrée cette seule fois. Copiez-la maintenant :";
    revoke: "Revoke", "Révoquer";
    revoke_title: "Revoke the key “{}”?", "Révoquer la clé « {} » ?";
    revoke_lead: "Whatever uses it is refused from then on, and sessions that it opened end. This cannot be undone.", "Tout ce qui s’en sert sera refusé, et les sessions qu’elle a ouvertes prennent fin. C’est irréversible.";
    revoked: "revoked", "révoquée";
    opens: "opens", "ouvre";
    audit: "Audit log", "Journal d’audit";
    audit_lead: "Every change and every sign-in, each entry chained to the one before. `sentimeter audit verify` finds any edit or gap.", "Chaque changement et chaque connexion, chaque entrée enchaînée à la précédente. `sentimeter audit verify` trouve toute retouche ou lacune.";
    audit_empty: "Nothing has been changed yet.", "Rien n’a encore été changé.";
    target: "On what", "Sur quoi";
    detail: "More", "Détails";
}

/// `pattern` with `values` in the place of its `{}`, in order.
pub(crate) fn put(pattern: &str, values: &[&str]) -> String {
    let mut parts = pattern.split("{}");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        whole += values.get(at).copied().unwrap_or_default();
        whole += part;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_places() {
        for (name, english, french) in ALL {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(french), "{name}");
            assert!(!english.is_empty() && !french.is_empty(), "{name}");
        }
        assert_eq!(put("{} before {}!", &["a{}", "b"]), "a{} before b!");
    }
}
