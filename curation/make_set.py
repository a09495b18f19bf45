"""Footage to a data set with its review: the whole of `acetate curate run`, step by step.

In the set's folder: `footage/` and `clips/` (units, ledgers, manifests), `dataset/`, `sheets/` and
`review.html`. Every step does only what is not done.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from curation.assemble import assembled, card_of, failed_card
from curation.backends.choose import BackendSettings, Choice, choose
from curation.clip_stages import clip_frames, clip_stages
from curation.dataset.clip import LayeredClip
from curation.duplicates import clip_hashes, find_duplicates
from curation.footage_stages import ShotSettings, clips_of, footage_ref, footage_stages
from curation.forgotten import PARTS, SHEETS, is_forgotten, read_forgotten
from curation.media.licence import LicenceRecord, find_licence
from curation.media.probe import IngestSettings
from curation.media.sources import Source, find_sources
from curation.review.cards import MergeSettings, ReviewCard
from curation.review.decisions import Decision, is_selected
from curation.review.page import Review, write_page
from curation.review.sheet import contact_sheet, loop
from curation.run.clip_chain import ClipOutcome
from curation.run.engines import Engine
from curation.run.leases import Leases
from curation.run.over_clips import RunReport, Told, run_over_clips
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage
from curation.run.work_store import WorkStore
from curation.set_dataset import write_chosen
from curation.stages.chain import ChainSettings
from curation.stages.filters import FilterSettings
from shared.blobs import write_atomically
from shared.errors import AcetateError

FOOTAGE, CLIPS = PARTS


class SetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides what is in a set, besides its footage."""

    ingest: IngestSettings = IngestSettings()
    shots: ShotSettings = ShotSettings()
    chain: ChainSettings = ChainSettings()
    quality: FilterSettings = FilterSettings()
    backends: BackendSettings = BackendSettings()


@dataclass(frozen=True)
class SetReport:
    """What a run made. `chosen`: clips in the data set; `reasons`: what speaks against each.

    `forgotten`: names of footage that has to stay out; `unknown_decisions`: ids of clips that were
    decided on and that this run does not have.
    """

    footage: RunReport
    clips: RunReport
    chosen: list[str]
    reasons: dict[str, list[str]]
    fingerprint: str
    forgotten: list[str] = field(default_factory=list)
    unknown_decisions: list[str] = field(default_factory=list)


def make_set(
    paths: Sequence[Path],
    out: Path,
    settings: SetSettings,
    engine: Engine,
    *,
    decisions: Mapping[str, Decision] | None = None,
    leases: Leases | None = None,
    told: Told = lambda outcome, through, count: None,
    choice: Choice | None = None,
) -> SetReport:
    """Make or go on with the set in `out`. Raises `not_found`, `disk`, `dataset_busy`.

    `choice`: of backends; None chooses by the settings where no weights lie.
    """
    choice = choice or choose(settings.backends)
    return _Set(paths, out, settings, engine, dict(decisions or {}), leases, told, choice).make()


class _Set:
    def __init__(
        self,
        paths: Sequence[Path],
        out: Path,
        settings: SetSettings,
        engine: Engine,
        decisions: dict[str, Decision],
        leases: Leases | None,
        told: Told,
        choice: Choice,
    ) -> None:
        self.paths = paths
        self.out = out
        self.settings = settings
        self.engine = engine
        self.decisions = decisions
        self.leases = leases
        self.told = told
        self.choice = choice
        self.toolkit = f"acetate {importlib.metadata.version('acetate')}"
        self.sources: dict[str, Source] = {}
        self.licences: dict[str, LicenceRecord] = {}
        self.forgotten: list[str] = []

    def make(self) -> SetReport:
        footage = self._footage()
        refs = {ref.clip_id: ref for ref in self._refs(footage)}
        stages = clip_stages(self.settings.chain, self.settings.quality, self.choice)
        clips = self._over(stages, list(refs.values()), CLIPS)
        done = {
            clip_id: self._products(outcome, CLIPS)
            for clip_id, outcome in sorted(clips.outcomes.items())
            if outcome.state == "done"
        }
        reasons = self._reasons(refs, done)
        chosen = [name for name in done if is_selected(name, reasons[name], self.decisions)]
        fingerprint = self._write_dataset(
            chosen, clips, lambda name: self._clip(refs[name], done[name])
        )
        self._review(refs, done, reasons, footage, clips)
        unknown = sorted(set(self.decisions) - set(refs))
        return SetReport(
            footage, clips, chosen, reasons, fingerprint, sorted(self.forgotten), unknown
        )

    def _footage(self) -> RunReport:
        """Footage with a licence record goes through its chain; other footage is refused."""
        refused: dict[str, ClipOutcome] = {}
        listed = read_forgotten(self.out)
        for path in self.paths:
            root = path if path.is_dir() else path.parent
            for source in find_sources([path], but=self.out):
                if is_forgotten(source.source_id, listed):
                    self.forgotten.append(source.path.name)
                    continue
                name = footage_ref(source).clip_id
                self.sources[name] = source
                try:
                    self.licences[source.source_id] = find_licence(source.path, root)
                except ClipRefusedError as error:
                    refused[name] = ClipOutcome(
                        name,
                        "refused",
                        {},
                        {},
                        stage="licence",
                        reason=error.reason,
                        detail=error.detail,
                    )
        refs = [
            footage_ref(source)
            for source in self.sources.values()
            if source.source_id in self.licences
        ]
        stages = footage_stages(self.settings.ingest, self.settings.shots)
        report = self._over(stages, refs, FOOTAGE)
        return replace(report, outcomes={**refused, **report.outcomes})

    def _over(self, stages: Sequence[Stage], refs: Sequence[ClipRef], part: str) -> RunReport:
        folder = self.out / part
        return run_over_clips(stages, refs, folder, self.engine, leases=self.leases, told=self.told)

    def _refs(self, footage: RunReport) -> Iterator[ClipRef]:
        for name, outcome in footage.outcomes.items():
            if outcome.state == "done":
                shots = self._products(outcome, FOOTAGE)["shots"]
                yield from clips_of(self.sources[name], shots)

    def _products(self, outcome: ClipOutcome, part: str) -> Mapping[str, Product]:
        return _Kept(WorkStore(self.out / part / "work"), outcome)

    def _reasons(
        self, refs: Mapping[str, ClipRef], done: Mapping[str, Mapping[str, Product]]
    ) -> dict[str, list[str]]:
        """Reasons against each clip; repetitions of a clip that something speaks against stay."""
        reasons = {name: list(p["quality"].facts["reasons"]) for name, p in done.items()}
        hashes = {
            name: clip_hashes(clip_frames(refs[name]))
            for name in done
            if is_selected(name, reasons[name], self.decisions)
        }
        for name in find_duplicates(hashes):
            reasons[name].append("duplicate")
        return reasons

    def _clip(self, ref: ClipRef, products: Mapping[str, Product]) -> LayeredClip:
        return assembled(
            ref,
            products,
            self.licences[ref.source_id],
            name=Path(ref.source).name,
            toolkit=self.toolkit,
            parameters_hash=hashlib.sha256(msgspec.json.encode(self.settings)).hexdigest(),
            annotations=self.choice.annotations,
        )

    def _write_dataset(
        self, chosen: Sequence[str], clips: RunReport, clip: Callable[[str], LayeredClip]
    ) -> str:
        """The data set of the chosen clips, unless it is there; its fingerprint."""
        units = {name: clips.outcomes[name].keys for name in chosen}
        about = (units, self.licences, self.settings, self.toolkit, self.choice.annotations)
        told = msgspec.json.encode(about, order="sorted")
        choice = hashlib.sha256(told).hexdigest()
        return write_chosen(self.out, choice, chosen, clip, wait=self.leases is not None)

    def _review(
        self,
        refs: Mapping[str, ClipRef],
        done: Mapping[str, Mapping[str, Product]],
        reasons: Mapping[str, list[str]],
        footage: RunReport,
        clips: RunReport,
    ) -> None:
        cards: list[ReviewCard] = []
        for name, products in done.items():
            clip = self._clip(refs[name], products)
            selected = is_selected(name, reasons[name], self.decisions)
            card = card_of(clip, products, list(reasons[name]), selected=selected)
            self._sheets(card, clip, products, clips.outcomes[name])
            cards.append(card)
        cards += [self._lost(outcome, footage=True) for outcome in footage.outcomes.values()]
        cards += [self._lost(outcome, footage=False) for outcome in clips.outcomes.values()]
        merge = self.settings.chain.merge
        shown = MergeSettings(merge.threshold, merge.capacity)
        write_page(self.out, Review(self.out.name, shown, [card for card in cards if card.state]))

    def _lost(self, outcome: ClipOutcome, *, footage: bool) -> ReviewCard:
        name = self.sources[outcome.clip_id].path.name if footage else outcome.clip_id
        state = "" if outcome.state == "done" else outcome.state
        return failed_card(outcome.clip_id, name, state, outcome.reason, outcome.detail)

    def _sheets(
        self,
        card: ReviewCard,
        clip: LayeredClip,
        products: Mapping[str, Product],
        outcome: ClipOutcome,
    ) -> None:
        """Contact sheet and loop, where the clip's units are not those they were drawn of."""
        mark = self.out / SHEETS / f"{card.clip_id}.key"
        key = hashlib.sha256(msgspec.json.encode(outcome.keys, order="sorted")).hexdigest()
        if mark.is_file() and mark.read_text() == key:
            return
        shown = replace(clip, flow=products["motion"].arrays["flow"])
        write_atomically(self.out / card.sheet, contact_sheet(shown))
        write_atomically(self.out / card.loop, loop(clip))
        write_atomically(mark, key.encode())


class _Kept(Mapping[str, Product]):
    """A clip's finished units, read from the store when they are asked for."""

    def __init__(self, store: WorkStore, outcome: ClipOutcome) -> None:
        self._store = store
        self._outcome = outcome

    def __getitem__(self, stage: str) -> Product:
        note = self._store.note(stage, self._outcome.clip_id, self._outcome.keys[stage])
        if note is None:
            raise KeyError(stage)
        try:
            return self._store.product(stage, self._outcome.clip_id, note)
        except AcetateError:
            self._store.drop(stage, self._outcome.clip_id)  # so that the next run makes it anew
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcome.keys)

    def __len__(self) -> int:
        return len(self._outcome.keys)
