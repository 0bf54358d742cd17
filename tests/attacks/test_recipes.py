"""Every recipe on a tiny model: it runs, keeps the rules, and does what its name says."""

import json

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, set_seed

from xltlib.artifacts import InputError
from xltlib.attacks import Resources, attack, attack_examples, report
from xltlib.attacks.distractor import (
    Distractor,
    distractor_language,
    insertion_point,
    wrong_answers,
)
from xltlib.attacks.distractor_templates import TEMPLATES, _all_known, false_sentence
from xltlib.attacks.goal import SpanQAVictim, UntargetedSpanF1, example
from xltlib.attacks.homoglyph import look_alikes
from xltlib.attacks.lexicon import induce, joined, read_lexicon
from xltlib.attacks.passage import Passage
from xltlib.attacks.recipes import RECIPES, SETTINGS
from xltlib.attacks.synonym import same_stem
from xltlib.evaluation import squad
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import find_language, script_of, words
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    EmbeddingSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    MisspellingSettings,
    SynonymSettings,
    TasaSettings,
    TypoSettings,
)

BUDGET = {"max_queries": 20, "ranking": "random", "min_word_length": 2}
# The lists of the tests pair words at random.
ANY_WORD = {"same_form": False, "min_window_similarity": None}


@pytest.fixture(scope="module")
def masked_lm(tmp_path_factory, tiny_tokenizer):
    """A masked LM with random weights; its pieces are single characters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "▁"]
    pieces += ["▁house", "▁the", "▁музей", "▁город", "▁నగరం", "▁도시", "ing", "▁12"]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        mask_token="<mask>",
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
    )
    set_seed(0)
    folder = tmp_path_factory.mktemp("masked-lm")
    config = BertConfig(
        vocab_size=len(pieces) + 8,  # padded, as embeddings often are
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture
def lists(tmp_path, rows):
    """A neighbour list and a lexicon for every language: words of its own passages."""
    near, lexicons = {}, {}
    for language, part in rows.items():
        found = sorted({c[a:b] for row in part for c in [row["context"]] for a, b in words(c)})
        pairs = dict(zip(found, found[::-1], strict=True))
        near[language], lexicons[language] = (
            tmp_path / f"{language}.json",
            tmp_path / f"{language}.txt",
        )
        near[language].write_text(json.dumps({a: [b] for a, b in pairs.items()}))
        lexicons[language].write_text("\n".join(f"{a}\t{b}" for a, b in pairs.items()))
    return near, {language: [file] for language, file in lexicons.items()}


@pytest.fixture
def settings(lists, masked_lm):
    near, lexicons = lists
    return {
        "typo": TypoSettings(**BUDGET),
        "homoglyph": HomoglyphSettings(**BUDGET),
        "imperceptible": ImperceptibleSettings(**BUDGET),
        "misspelling": MisspellingSettings(**BUDGET),
        "synonym": SynonymSettings(**BUDGET, **ANY_WORD, neighbours=near),
        "tasa": TasaSettings(max_queries=20, **ANY_WORD, neighbours=near),
        "mlm": MaskedLMSettings(**BUDGET, model=str(masked_lm)),
        "codemix": CodeMixSettings(**BUDGET, lexicons=lexicons),
        "hotflip": HotFlipSettings(**BUDGET),
        "distractor": DistractorSettings(answers=2),
        "embedding": EmbeddingSettings(radius=2.0, step_size=1.0, steps=3),
    }


@pytest.fixture
def resources(predictor, rows, tiny_encoder, tmp_path):
    return Resources(predictor, rows, tiny_encoder, cache=tmp_path / "cache")


def scripts(word):
    return {script_of(char) for char in word} - {None}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_recipe_keeps_the_rules(name, settings, rows, resources, tmp_path, monkeypatch):
    if name == "hotflip":  # the tiny vocabulary has no whole words; these stand in for them
        weights = resources.predictor.model.get_input_embeddings().weight.detach().numpy()
        known = {
            "Latin": ["alpha", "beta"],
            "Cyrillic": ["альфа"],
            "Telugu": ["నగరం"],
            "Hangul": ["도시"],
        }
        resources.vocabulary = {k: (v, weights[10 : 10 + len(v)]) for k, v in known.items()}
    examples = [row for part in rows.values() for row in part[:3]]
    if name == "misspelling":  # English only
        examples = rows["en"][:3]
    done = attack_examples(examples, resources, settings[name], tmp_path / "log", progress=False)
    assert list(done["id"]) == [row["id"] for row in examples]
    assert not (done["outcome"] == "skipped").any()
    for row, record in zip(examples, done.to_dict("records"), strict=True):
        assert record["question"] == row["question"]
        changed, gold = record["attacked_context"], row["answers"]["text"][0]
        assert changed.count(gold) >= row["context"].count(gold)
        rebuilt, last = "", 0
        for edit in record["edits"]:
            assert row["context"][edit["start"] :].startswith(edit["old"])
            rebuilt += row["context"][last : edit["start"]] + edit["new"]
            last = edit["start"] + len(edit["old"])
        assert rebuilt + row["context"][last:] == changed
        if name == "embedding":
            assert changed == row["context"]
            assert 0 < record["perturbation_norm"] <= 2.0 + 1e-4
        (again,) = resources.predictor.predict([row["question"]], [changed])
        if name != "embedding":
            assert again.text == record["attacked_prediction"]
        wrong = squad.f1(record["attacked_prediction"], [gold]) < 0.5
        assert wrong == (record["outcome"] == "succeeded")
    if name != "embedding":
        edited = done[done["n_edited_words"] > 0]
        # Hangul has no look-alikes.
        wanted = {"en"} if name == "misspelling" else {"en", "ru", "te"}
        assert set(edited["language"]) >= wanted
    if name in ("synonym", "mlm", "hotflip"):
        pairs = [(edit["old"], edit["new"]) for edits in done["edits"] for edit in edits]
        assert not [p for p in pairs if scripts(p[0]) and not scripts(p[1]) <= scripts(p[0])]
    table = report.summary(done)
    assert table.iloc[-1]["n"] == len(examples)
    assert set(report.validity(done, resources.predictor.tokenizer)["split graphemes"]) == {0.0}


def test_every_recipe_has_settings_a_function_and_a_source():
    assert set(SETTINGS) == {*RECIPES, "embedding"}
    for build in RECIPES.values():
        assert any(
            year in build.__doc__ for year in ("2017", "2018", "2019", "2020", "2021", "2022")
        ) or (build is RECIPES["misspelling"])


def test_a_targeted_attack_wants_its_target(rows, resources, predictor, tmp_path):
    """Two questions on one passage: the other's answer is the target."""
    row = dict(rows["en"][0])
    word = next(
        row["context"][a:b]
        for a, b in words(row["context"])
        if squad.f1(row["context"][a:b], row["answers"]["text"]) == 0
    )
    other = row | {
        "id": "other",
        "answers": {"text": [word], "answer_start": [row["context"].index(word)]},
    }
    wanting = Resources(predictor, {"en": [row, other]}, resources.encoder)
    typo = TypoSettings(goal="targeted", max_queries=20, ranking="random")
    done = attack_examples([row], wanting, typo, tmp_path / "log", progress=False).iloc[0]
    assert done["target"] == word
    assert done["attacked_probability"] >= done["original_probability"]
    assert (done["attacked_prediction"] == word) == (done["outcome"] == "succeeded")
    alone = Resources(predictor, {"en": [row]}, resources.encoder)
    skipped = attack_examples([row], alone, typo, tmp_path / "alone", progress=False).iloc[0]
    assert skipped["outcome"] == "skipped"


def test_a_targeted_distractor_wants_its_own_answer(rows, resources, tmp_path):
    wanting = DistractorSettings(goal="targeted")
    done = attack_examples(rows["en"][:4], resources, wanting, tmp_path / "log", progress=False)
    for record in done.to_dict("records"):
        assert record["target"] in record["edits"][0]["new"]
        assert record["target"] not in record["context"]


def test_distractors_stand_where_they_should(rows):
    from collections import OrderedDict

    from textattack.shared import AttackedText

    context = "One stands. Two stands here. Three stands."
    text = AttackedText(OrderedDict([("question", "Who?"), ("context", context)]))
    sentence = "It is false."
    places = ["start", "end", "between"]
    made = Distractor("en", {sentence: "en"}, places, ["Two stands"])(text)
    assert [one.tokenizer_input[1] for one in made] == [
        f"{sentence} {context}",
        f"{context} {sentence}",
        f"One stands. Two stands here. {sentence} Three stands.",
    ]
    assert not Distractor("en", {sentence: "en"}, places, [])(made[0])
    assert {distractor_language(one) for one in made} == {"en"}
    chinese = AttackedText(OrderedDict([("question", "谁?"), ("context", "北京。")]))
    (made,) = Distractor("zh", {"假。": "zh"}, ["end"], [])(chinese)
    assert made.tokenizer_input[1] == "北京。假。"


def test_no_sentence_comes_into_a_copy_of_the_answer_in_another_case():
    context = "It begins here. THE END. NOW it goes on for a while and stops."
    assert insertion_point(context, "middle", []) == context.index("NOW")
    assert insertion_point(context, "middle", ["the end. now"]) == context.index("THE")


@pytest.mark.parametrize("language", _all_known())
def test_a_false_sentence_has_question_and_answer_in_its_script(language):
    sentence = false_sentence(language, "Q 17?", "A 23")
    assert "Q 17?" in sentence
    assert "A 23" in sentence
    frame = sentence.replace("Q 17?", "").replace("A 23", "")
    scripts = {script_of(frame[a:b]) for a, b in words(frame)}
    script = find_language(language).script
    assert script in scripts
    assert scripts <= {script, "Han", "Katakana"}


def test_distractors_in_unknown_languages_are_refused():
    with pytest.raises(InputError, match="no templates for 'qu'; available: en"):
        false_sentence("qu", "q", "a")


def test_wrong_answers_are_of_the_right_type_and_wrong():
    pool = [
        ("When?", "1951"),
        ("Who?", "Ada Lovelace"),
        ("Who?", "Alan Turing"),
        ("What?", "a cat"),
    ]
    passage = "Alan Turing met Grace Hopper."
    found = wrong_answers("en", pool, "Who?", ["Grace Hopper"], passage, "0", 3)
    assert found == ["Ada Lovelace", *found[1:]]
    assert set(found[1:]) == {"1951", "a cat"}
    assert wrong_answers("en", pool, "When?", ["1815"], "x", "0", 1) == ["1951"]


@pytest.mark.parametrize(
    ("language", "gold", "shares", "differs"),
    [
        ("zh", "1951年", ["1951", "在1951年", "1951年5月"], "1988年"),
        ("ja", "東京都", ["東京", "東京都庁"], "大阪府"),
        ("th", "กรุงเทพ", ["กรุงเทพมหานคร", "กรุง"], "เชียงใหม่"),
        ("km", "ភ្នំពេញ", ["ភ្នំ", "រាជធានីភ្នំពេញ"], "បាត់ដំបង"),
    ],
)
def test_a_part_of_a_gold_answer_is_not_wrong_where_words_are_not_spaced(
    language, gold, shares, differs
):
    pool = [("?", answer) for answer in (*shares, differs)]
    found = wrong_answers(language, pool, "?", [gold], "x", "0", 9)
    assert differs in found
    assert not {*shares} & {*found}


def test_distractors_come_in_other_languages(rows, resources):
    row, twin = next(
        (row, twin) for row in rows["ru"] for twin in rows["en"] if twin["id"] == row["id"]
    )
    both = DistractorSettings(
        languages=["passage", "en"], answers=1, altered=False, templates=["answer"]
    )
    sentences = resources.falsehoods.sentences(both, row)
    assert [script_of(one) for one in sentences] == ["Cyrillic", "Latin"]
    assert list(sentences.values()) == ["ru", "en"]
    # The data is parallel, so the English sentence asks the English question.
    assert twin["question"] in list(sentences)[1]
    made = resources.falsehoods.sentences(DistractorSettings(answers=1), row)
    assert len(made) == len(TEMPLATES)  # one sentence of each
    assert not any(row["question"] in one for one in made)  # it asks about something else


def test_look_alikes_look_alike():
    assert "а" in look_alikes("a")  # Cyrillic
    assert all(len(other) == 1 and other.isalpha() for other in look_alikes("o"))
    assert look_alikes("1") == look_alikes("-") == ()


def test_other_forms_of_a_word_are_no_synonyms():
    assert same_stem("museum", "museums")
    assert same_stem("музей", "музея")
    assert not same_stem("house", "home")


def test_lexicons_are_read_and_joined(tmp_path):
    file = tmp_path / "en-de.txt"
    file.write_text("House\tHaus\nhouse Heim\ncat\tKatze\n\n", encoding="utf-8")
    assert read_lexicon(file) == {"house": ["haus", "heim"], "cat": ["katze"]}
    both = joined([read_lexicon(file), {"house": ["talo"]}])
    assert both["house"] == ["haus", "talo", "heim"]
    file.write_text("alone\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"en-de\.txt, line 1: 'alone' has one column"):
        read_lexicon(file)
    with pytest.raises(InputError, match=r"absent\.txt: no such file"):
        read_lexicon(tmp_path / "absent.txt")


def test_a_lexicon_is_induced_from_parallel_text(me5_small):
    """Real translations, the offline encoder: most frequent words find theirs."""
    from transformers import AutoModel, AutoTokenizer

    pairs = [
        ("The house is big.", "Das Haus ist groß."),
        ("My house is small.", "Mein Haus ist klein."),
        ("The dog drinks water.", "Der Hund trinkt Wasser."),
        ("Cold water is good.", "Kaltes Wasser ist gut."),
        ("The dog sees the house.", "Der Hund sieht das Haus."),
    ]
    encoder, tokenizer = (kind.from_pretrained(me5_small) for kind in (AutoModel, AutoTokenizer))
    lexicon = induce(pairs, encoder, tokenizer)
    assert lexicon["house"][0] == "haus"
    assert lexicon["dog"][0] == "hund"
    assert lexicon["water"][0] == "wasser"


def test_the_api_writes_what_it_says(qa_folder, rows, tiny_encoder, tmp_path):
    options = {"max_queries": 15, "ranking": "random", "limit": 5, "progress": False}
    examples = [row for part in rows.values() for row in part]
    out = tmp_path / "out"
    done = attack(qa_folder, examples, "typo", out, encoder=str(tiny_encoder), **options)
    assert len(done.results) == 5
    assert done.results["similarity"].between(-1, 1.0001).all()
    names = {"attacks.parquet", "attacks.jsonl", "attacks.html", "summary.csv", "log"}
    assert {file.name for file in out.iterdir()} == names
    page = (out / "attacks.html").read_text(encoding="utf-8")
    assert "<ins>" in page
    assert "http" not in page.replace("http-equiv", "")
    halves = [
        attack(qa_folder, examples, "typo", tmp_path / str(k), shard=(k, 2), **options).results
        for k in (1, 2)
    ]
    both = {
        r["id"] + r["language"]: r["attacked_context"] for h in halves for r in h.to_dict("records")
    }
    whole = {
        r["id"] + r["language"]: r["attacked_context"] for r in done.results.to_dict("records")
    }
    assert both == whole


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        ("typpo", {}, "recipe 'typpo': no such recipe; known: typo, homoglyph"),
        (
            "typo",
            {"max_querys": 3},
            "max_querys: unknown key. Allowed here: kind, goal",
        ),
        ("typo", {"shard": (3, 2)}, "shard 3/2: there is no such part"),
        ("mlm", {}, "needs a masked language model; give its folder or hub name as masked_lm="),
        ("codemix", {}, "codemix needs `lexicons` by language, or `parallel` text"),
        ("typo", {"min_similarity": 0.9}, "needs a pretrained encoder"),
    ],
)
def test_the_api_explains_what_is_wrong(qa_folder, rows, tmp_path, recipe, changes, message):
    with pytest.raises(InputError) as error:
        attack(qa_folder, rows["en"], recipe, tmp_path / "out", progress=False, **changes)
    assert message in str(error.value)


def test_a_model_without_a_head_is_refused(tiny_encoder, rows, tmp_path):
    with pytest.raises(InputError, match="without a span-QA head"):
        attack(tiny_encoder, rows["en"], "typo", tmp_path / "out", progress=False)


def test_constraints_bound_the_edits(rows, resources, tmp_path):
    tight = {"max_grapheme_edits": 2, "max_edited_share": 0.05, "same_script": True}
    settings = TypoSettings(**BUDGET, **tight)
    free = TypoSettings(**BUDGET)
    examples = [row for part in rows.values() for row in part[:2]]
    bounded, unbounded = (
        attack_examples(examples, resources, one, tmp_path / name, progress=False)
        for name, one in (("bounded", settings), ("free", free))
    )
    assert (bounded["n_edited_words"] <= np.maximum(1, 0.05 * bounded["n_words"])).all()
    assert bounded["n_edited_words"].sum() < unbounded["n_edited_words"].sum()


def test_similar_passages_only(rows, resources, tmp_path):
    examples = [row for part in rows.values() for row in part[:2]]
    settings = TypoSettings(**BUDGET, min_similarity=0.9999)
    done = attack_examples(examples, resources, settings, tmp_path / "log", progress=False)
    done = report.with_similarity(done, resources.vectors)
    free = TypoSettings(**BUDGET)
    loose = attack_examples(examples, resources, free, tmp_path / "free", progress=False)
    loose = report.with_similarity(loose, resources.vectors)
    assert done["similarity"].min() >= 0.9999 - 1e-5
    assert loose["similarity"].min() < 0.9999


class Proposing:
    """A masked LM that proposes the same words for every gap, and notes the gaps."""

    def __init__(self, *words):
        self.words, self.gaps = words, []

    def proposals(self, question, before, after, n):
        self.gaps.append((before, after))
        return self.words


def edited_texts(settings, row, monkeypatch, *, masked_lm=None, lexicon=None, steps=3):
    """All texts so many greedy steps deep, each step from the last text of the one before."""
    monkeypatch.setattr(Resources, "masked_lm", lambda self, settings: masked_lm)
    monkeypatch.setattr(Resources, "lexicon", lambda self, settings, language: lexicon)
    columns, truth = example(row)
    goal = UntargetedSpanF1(SpanQAVictim(lambda queries: []))
    attack = RECIPES[settings.kind](goal, row, settings, Resources(None, {}))
    text = goal.initial_attacked_text = Passage(*columns.values())
    goal.ground_truth_output = truth
    first, made = text, []
    for _ in range(steps):
        found = attack.get_transformations(text, original_text=first)
        made += [(text.context, one) for one in found]
        text = found[-1] if found else text
    return made


ANN = {
    "id": "1",
    "language": "en",
    "question": "Who lives there?",
    "context": "An old house, where Ann Lee lives now.",
    "answers": {"text": ["Ann Lee"], "answer_start": [20]},
}


def test_clare_inserts_and_merges(monkeypatch):
    model = Proposing("big", "Ann", "two words")
    settings = MaskedLMSettings(model="unused", edits=["insert", "merge"], max_edited_words=2)
    made = edited_texts(settings, ANN, monkeypatch, masked_lm=model, steps=1)
    contexts = [text.context for _, text in made]
    assert "An old big house, where Ann Lee lives now." in contexts
    assert "An old house big, where Ann Lee lives now." in contexts
    assert "An big, where Ann Lee lives now." in contexts  # "old house" in one
    # Never across a comma, never into the answer, never what is more than a word.
    assert not any("old house where" in c or "big Lee" in c or "two words" in c for c in contexts)
    assert all("Ann Lee" in c for c in contexts)
    assert ("An old ", " house, where Ann Lee lives now.") in [
        (before, after) for before, after in model.gaps
    ]
    deeper = edited_texts(settings, ANN, monkeypatch, masked_lm=model, steps=4)
    assert max(len(text.attack_attrs["modified_indices"]) for _, text in deeper) == 2
    with pytest.raises(ValueError, match="edits"):
        MaskedLMSettings(model="unused", edits=["delete"])


@pytest.mark.parametrize(
    ("language", "context", "gold", "words"),
    [
        ("th", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย", "ประเทศไทย", ("ใหญ่", "สวย")),
        ("zh", "北京是中国的首都,也是最大的城市之一。", "中国", ("美丽", "古老")),
        ("ja", "東京は日本の首都であり、最大の都市です。", "日本", ("大阪", "歴史")),
    ],
)
def test_insert_and_merge_in_scripts_without_spaces(monkeypatch, language, context, gold, words):
    row = ANN | {"language": language, "context": context}
    row |= {"answers": {"text": [gold], "answer_start": [context.index(gold)]}}
    settings = MaskedLMSettings(
        model="unused", edits=["replace", "insert", "merge"], min_word_length=1
    )
    made = edited_texts(settings, row, monkeypatch, masked_lm=Proposing(*words))
    lengths = {text.num_words - Passage(row["question"], old).num_words for old, text in made}
    assert {0, 1} <= lengths
    for old, text in made:
        assert " " not in text.context
        assert gold in text.context
        assert text.word_for_word
        assert Passage(row["question"], text.context).words == text.words
        assert old != text.context


def test_codemix_puts_in_phrases_and_goes_on_behind_them(monkeypatch):
    lexicon = {"old": ["uralt und klein"], "house": ["haus"], "lives": ["wohnt dort"]}
    settings = CodeMixSettings(lexicons={"en": ["unused"]}, max_edited_words=6)
    made = edited_texts(settings, ANN, monkeypatch, lexicon=lexicon)
    assert made[-1][1].context == "An uralt und klein haus, where Ann Lee wohnt dort now."
    assert made[-1][1].attack_attrs["modified_indices"] == {
        made[-1][1].words.index(word) for word in ("uralt", "und", "klein", "haus", "wohnt", "dort")
    }
    few = settings.model_copy(update={"max_edited_words": 2})
    made = edited_texts(few, ANN, monkeypatch, lexicon=lexicon)
    assert not any("uralt" in text.context for _, text in made)  # a phrase counts by its words
    budget = settings.model_copy(update={"max_grapheme_edits": 8})
    made = edited_texts(budget, ANN, monkeypatch, lexicon=lexicon)
    assert {text.context for _, text in made} >= {"An old haus, where Ann Lee lives now."}
    assert not any("uralt" in text.context for _, text in made)


def test_the_search_edits_words_behind_a_phrase(monkeypatch, tmp_path):
    lexicon = {"old": ["uralt und klein"], "house": ["haus"], "lives": ["wohnt dort"]}
    monkeypatch.setattr(Resources, "lexicon", lambda self, settings, language: lexicon)

    class Improving:
        identity = "improving"
        asked = 0

        def score(self, questions, contexts, spans):
            self.asked += 1
            found = [Prediction("Ann Lee", 0, 0, 0.9)] * len(contexts)
            return found, np.full(len(contexts), 1 / (1 + self.asked))

    for search in ("word-importance", "greedy", "beam"):
        settings = CodeMixSettings(
            lexicons={"en": ["unused"]}, max_edited_words=6, ranking="random", search=search
        )
        resources, log = Resources(Improving(), {"en": [ANN]}), tmp_path / search
        done = attack_examples([ANN], resources, settings, log, progress=False).iloc[0]
        assert done["error"] is None
        wanted = "An uralt und klein haus, where Ann Lee wohnt dort now."
        assert done["attacked_context"] == wanted, search
        assert [edit["old"] for edit in done["edits"]] == ["old house", "lives"] or [
            edit["old"] for edit in done["edits"]
        ] == ["old", "house", "lives"]


@pytest.mark.parametrize("without", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("loaded", [True, False])
def test_gradients_are_computed_where_the_caller_has_none(
    rows, predictor, qa_folder, without, loaded
):
    rows, options = rows["en"][:1], {"language": "en", "max_queries": 8, "progress": False}
    recipes = {
        "hotflip": {},
        "typo": {"ranking": "gradient", "surrogate": str(qa_folder)},
        "embedding": {"radius": 0.5, "step_size": 0.1, "restarts": 2},
    }
    for recipe, settings in recipes.items():
        expected = attack(predictor, rows, recipe, **options, **settings).results
        with without():
            model = predictor if loaded else qa_folder
            found = attack(model, rows, recipe, **options, **settings).results
            assert torch.is_inference_mode_enabled() == (without is torch.inference_mode)
            assert not torch.is_grad_enabled()
        assert found["error"].tolist() == [None]
        assert found["attacked_context"].tolist() == expected["attacked_context"].tolist()
