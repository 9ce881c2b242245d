/** Alle Texte der Seite, auf Deutsch. */

import { help } from './de-help.ts';
import type { en } from './en.ts';

const number = new Intl.NumberFormat('de').format;
const decimals = (value: number): string => value.toFixed(2).replace('.', ',');
const percent = new Intl.NumberFormat('de', { style: 'percent', maximumFractionDigits: 1 }).format;
const count = (n: number, one: string, many: string): string => `${number(n)} ${n === 1 ? one : many}`;

/** Was mit den Dateien eines Projekts geschieht. */
const elsewhere: { readonly [code: string]: (own?: string) => readonly [message: string, remedy: string] } = {
  'labels-elsewhere': (own) => [
    `Ein anderes Programm hat diese Datei geschrieben; sie bleibt, wie sie ist. Was hier gemalt wird, steht in „${own}“.`,
    `Soll sie gelten, schließen Sie das Projekt und kopieren sie nach „${own}“.`,
  ],
  'project-elsewhere': (own) => [
    `Ein anderes Programm hat diese Datei geändert: Was es schrieb, steht jetzt in „${own}“ und gilt hier nicht.`,
    `Soll es gelten, schließen Sie das Projekt und kopieren „${own}“ nach „lamella.json“.`,
  ],
  'image-gone': () => [
    'Dieses Bild ist nicht mehr da: Es wurde umbenannt, verschoben oder gelöscht. Seine Labels sind gesichert.',
    'Legen Sie es unter diesem Namen zurück: Ohne es nützen sie nichts.',
  ],
  'image-changed': () => [
    'Ein anderes Programm hat dieses Bild geändert; zu sehen ist noch das alte.',
    'Laden Sie die Seite neu, um das neue zu sehen.',
  ],
  'image-replaced': () => [
    'An der Stelle dieses Bildes liegt eines anderer Größe: Was auf das alte gemalt wurde, ist gesichert, aber noch nicht in seiner Labeldatei.',
    'Legen Sie das alte zurück, speichern Sie, und fügen Sie das neue unter anderem Namen hinzu.',
  ],
  'no-space': () => [
    'Hierfür ist kein Platz mehr.',
    'Speichern Sie das Projekt auf Ihrer Festplatte, dann vergessen Sie Projekte, die Sie hier nicht brauchen, oder schaffen dort Platz.',
  ],
  'files-gone': () => [
    'Die Dateien dieses Projekts sind weg: Sein Ordner wurde geleert, oder die Daten dieser Seite wurden gelöscht.',
    'Exportieren Sie das Projekt, bevor Sie es schließen: So bleibt, was noch im Speicher ist.',
  ],
  'not-copied': () => [
    'Das Projekt führt dies auf, es fehlt aber und ist nicht in der Kopie.',
    'Fügen Sie es von dort, wo Sie es haben, wieder hinzu und speichern noch einmal.',
  ],
  'labels-missing': () => [
    'Das Projekt führt diese Labels auf, sie fehlen aber: Ihr Bild ist ohne Labels da.',
    'Fügen Sie diese Labeldatei hinzu, oder malen Sie neu.',
  ],
  'folder-read-only': () => [
    'In diesen Ordner darf nicht geschrieben werden: Das Projekt lässt sich nur ansehen.',
    'Zum Ändern kopieren Sie ihn dorthin, wo Sie schreiben dürfen.',
  ],
};

export const de: typeof en = {
  language: 'de',
  product: 'Lamella Studio',
  close: 'Schließen',
  stop: 'Beenden',
  cancel: 'Abbrechen',
  number,
  percent,
  copy: 'Kopieren',
  copied: 'Kopiert',

  start: {
    drop: 'Bilder oder Ordner hier ablegen',
    formats: 'PNG, JPEG, TIFF, OME-Zarr, DICOM, NIfTI, NRRD oder ein Projekt (.zip)',
    chooseFiles: 'Dateien wählen',
    chooseFolder: 'Ordner wählen',
    tryExample: 'Keine Bilder zur Hand? Ein Beispiel ausprobieren',
    examples: {
      nuclei: { title: 'Zellkerne', body: 'Fluoreszenz, 12 Bilder: Objekte zählen, die sich berühren.' },
      tissue: { title: 'Gewebe', body: 'Elektronenmikroskopie, 4 Schnitte: Flächen unterscheiden.' },
    },
    private: 'Nichts verlässt diesen Rechner: Diese Seite kann sich mit keinem anderen verbinden.',
    privateServer: 'Nichts verlässt diesen Rechner: Lamella läuft hier und verbindet sich mit nichts anderem.',
    recent: 'Letzte Projekte',
    images: (n: number) => count(n, 'Bild', 'Bilder'),
    notOnDisk: 'nur im Browser',
    savedToDisk: (when: string) => `${when} gespeichert`,
    inFolder: (folder: string) => `im Ordner „${folder}“`,
    forget: 'Löschen',
    forgetQuestion: (name: string) => `„${name}“ löschen?`,
    forgetWarning: 'Studio löscht seine Bilder, Annotationen und Modelle. Auf der Festplatte Gespeichertes bleibt.',
    here: 'Hier',
    device: (label = '') => label.replace('thread', 'Thread'),
    free: (size: string) => `${size} frei`,
    steps: [
      ['Malen', 'Ein paar Striche auf Objekte, ein paar daneben. In Sekunden erscheint eine erste Vorschau.'],
      ['Korrigieren', 'Studio führt Sie dorthin, wo es am unsichersten ist. Übernehmen oder Falsches übermalen.'],
      ['Messen', 'Alle Bilder segmentieren, die Tabelle ansehen, Masken, Tabellen und Modell exportieren.'],
    ],
  },

  saved: (folder?: string) => (folder === undefined ? 'Gespeichert.' : `Gespeichert in ${folder}.`),
  folderNotAllowed:
    'Der Browser lässt Studio nicht an den Ordner dieses Projekts. Erlauben Sie es beim nächsten Versuch.',
  readOnly: 'Dieses Projekt ist anderswo geöffnet: Hier lässt es sich nur ansehen.',
  disconnected: 'Der rechnende Teil ist beendet.',
  disconnectedRemedy: 'Laden Sie die Seite neu; alles Gesicherte ist noch da.',
  reload: 'Neu laden',
  serverEnded: (n) =>
    `Lamella Studio antwortet nicht.${n === 0 ? '' : ` ${count(n, 'Änderung ist', 'Änderungen sind')} noch nicht gesichert: Schließen Sie diesen Tab nicht.`}`,
  serverEndedRemedy: (port) =>
    `Wurde es beendet, starten Sie lamella studio mit demselben Ordner und --port ${port} wieder und öffnen seine Adresse in diesem Browser; diese Seite macht dann von selbst weiter.`,
  answersAgain: 'Lamella Studio antwortet wieder.',
  restarted: 'Der rechnende Teil war beendet und läuft wieder; alles Gemalte ist gesichert.',
  restartedRemedy: 'War der Speicher knapp, schließen Sie andere Tabs oder nehmen Sie ein kleineres Netz.',
  device: (name: string, why: string | undefined) =>
    `${why === undefined ? '' : `${why} `}Studio macht mit ${name} weiter; von Ihrer Annotation ist nichts verloren.`,
  problems: (n: number) => `${count(n, 'Problem', 'Probleme')}:`,
  problem: (found) => {
    const [message, remedy] = elsewhere[found.code ?? '']?.(found.own) ?? [];
    return message === undefined ? found : { ...found, message, remedy };
  },
  untitled: 'ohne Namen',

  busy: {
    opening: 'Wird geöffnet …',
    reading: (n: number) => `${count(n, 'Datei wird', 'Dateien werden')} gelesen …`,
    example: 'Beispiel wird erzeugt …',
    interpolating: 'Wird interpoliert …',
    saving: 'Wird gespeichert …',
    measuring: 'Wird gemessen …',
    exporting: 'Wird exportiert …',
    starting: 'Wird gestartet …',
  },

  images: {
    title: 'Bilder',
    add: 'Bilder hinzufügen',
    remove: 'Aus dem Projekt entfernen',
    removeQuestion: (name: string) => `„${name}“ aus dem Projekt entfernen?`,
    removeWarning: 'Seine Annotation wird mit entfernt. Das lässt sich nicht rückgängig machen.',
    annotated: 'annotiert',
    notAnnotated: 'nicht annotiert',
  },

  tools: {
    title: 'Werkzeuge',
    brush: 'Pinsel',
    eraser: 'Radierer',
    polygon: 'Polygon und Lasso',
    fill: 'Füllen',
    wand: 'Zauberstab',
    region: 'Bereich',
    object: 'Neues Objekt',
    pick: 'Pipette',
    select: 'Auswählen',
    split: 'Teilen',
    hand: 'Hand',
    size: 'Größe',
    sizePx: (n: number) => `${number(n)} px`,
    smaller: 'Kleinerer Pinsel',
    larger: 'Größerer Pinsel',
    tolerance: 'Toleranz',
    fillLimit: 'Die Fläche ist größer als 16 Millionen Pixel; so viele wurden gefüllt.',
    noSplit: 'Ziehen Sie die Linie quer durch ein Objekt, von einer Seite zur anderen.',
    keep: 'Gemaltes erhalten',
  },

  tabs: { title: 'Arbeit', annotate: 'Annotieren', train: 'Training', check: 'Prüfen', measure: 'Messen' },

  view: {
    canvas: 'Bild. Pfeiltasten bewegen das Fadenkreuz, Eingabe malt.',
    contrast: 'Kontrast',
    auto: 'Automatisch',
    gamma: 'Gamma',
    black: 'Schwarz',
    white: 'Weiß',
    colour: (channel: string) => `Farbe von ${channel}`,
    windows: 'CT-Fenster',
    hounsfield: { soft: 'Weichteile', lung: 'Lunge', bone: 'Knochen', brain: 'Gehirn' },
    slice: 'Schicht',
    time: 'Zeit',
    opacity: 'Deckkraft',
    outlines: 'Umrisse',
    annotation: 'Annotation',
    fit: 'Bild einpassen',
    actual: 'Originalgröße',
    noWebgl: 'Dieser Browser hat kein WebGL 2; ohne das lassen sich Bilder nicht zeichnen.',
    noWebglRemedy:
      'Schalten Sie in seinen Einstellungen die Hardwarebeschleunigung ein, oder nehmen Sie ein aktuelles Chrome, Edge, Firefox oder Safari.',
  },

  tour: {
    title: 'Rundgang',
    position: (n: number, of: number) => `${number(n)} von ${number(of)}`,
    next: 'Weiter',
    skip: 'Rundgang beenden',
    finished: 'Das war alles. Legen Sie auf der Startseite eigene Bilder ab; mehr steht in der Hilfe.',
    steps: {
      background: (key) => `Hintergrund wählen (${key('class-1')}) und einen Strich ziehen, wo kein Kern ist.`,
      objects: (key) => `Objekt wählen (${key('class-2')}) und in zwei Kernen je einen kurzen Strich ziehen.`,
      live: () => 'Ein Modell lernt aus Ihren Strichen; gleich kommt seine Vorschau.',
      correct: (key) =>
        `Das ist die Vorschau. Malen Sie, wo sie falsch ist: mit ${key('class-2')} auf einen Kern, mit ${key('class-1')} auf Hintergrund.`,
      train: (key) => `Für ein besseres Modell: Training öffnen (${key('tab-train')}) und Trainieren drücken.`,
      training: () => 'Ein Netz lernt aus Ihren Strichen. Warten Sie, oder beenden Sie es.',
      check: (key) => `Öffnen Sie Prüfen (${key('tab-check')}) und drücken Sie Unsichere Stellen suchen.`,
      judge: (key) =>
        `Stimmt die Vorschau im Rahmen? Dann Übernehmen (${key('accept')}); sonst übermalen und Korrigiert drücken (${key('correct')}).`,
      measure: (key) => `Messen öffnen (${key('tab-measure')}) und Alle segmentieren drücken: Jedes Bild wird gezählt.`,
      export: (key) => `Exportieren drücken (${key('export')}): Tabellen, Masken und Modell gehören Ihnen.`,
    },
  },

  header: {
    help: 'Hilfe',
    keys: 'Tasten',
    settings: 'Einstellungen',
    save: 'Speichern',
    export: 'Exportieren',
    home: 'Alle Projekte',
    redo: 'Wiederholen',
    rename: 'Name des Projekts',
  },

  status: {
    value: 'Wert',
    at: (x: number, y: number) => `x ${x} y ${y}`,
    notAnnotated: 'nicht annotiert',
    object: (n: number) => `Objekt ${n}`,
    undo: (what: string) => `Rückgängig: ${what}`,
    undone: (what: string) => `Rückgängig gemacht: ${what}`,
    redone: (what: string) => `Wiederholt: ${what}`,
    kept: 'Alle Änderungen gesichert',
    onDisk: (folder: string | undefined, when: string) =>
      `Gespeichert ${folder === undefined ? 'auf Ihrer Festplatte' : `in ${folder}`} ${when}`,
    notOnDisk: 'Nicht auf der Festplatte',
    changed: 'Seit dem Speichern geändert',
    keeping: 'Änderungen werden gesichert …',
    readOnly: (isElsewhere: boolean) => (isElsewhere ? 'Nur lesbar: anderswo geöffnet' : 'Nur lesbar'),
    zoom: (scale: number) => percent(scale),
    nothingToUndo: 'Nichts rückgängig zu machen',
  },

  edits: {
    brush: 'Pinsel',
    eraser: 'Radierer',
    object: 'neues Objekt',
    polygon: 'Polygon',
    fill: 'Füllung',
    wand: 'Zauberstab',
    region: 'Bereich',
    split: 'Teilung',
    merge: 'Verbindung',
    remove: 'Löschung',
    fillHoles: 'gefüllte Löcher',
    copySlice: 'kopierte Schicht',
    interpolate: 'Interpolation',
    classes: 'Klassen',
    accept: 'übernommene Stelle',
  },

  objects: {
    choose: (n: number) =>
      n === 1
        ? 'Wählen Sie zuerst ein Objekt mit dem Werkzeug Auswählen (V).'
        : 'Wählen Sie zuerst zwei Objekte mit dem Werkzeug Auswählen (V), das zweite mit Umschalt.',
    noSlices: 'Annotieren Sie eine Schicht vor und eine nach dieser, mit einigen dazwischen.',
  },

  live: {
    title: 'Vorschau',
    lacking: 'Malen Sie ein paar Striche von zwei Klassen, und ein Modell lernt daraus.',
    missing: (names: readonly string[]) => `Malen Sie auch etwas von ${names.map((name) => `„${name}“`).join(', ')}.`,
    models: { quick: 'schnelles Modell', network: 'Netz' },
    learning: (step: number) => `Dahinter lernt ein Netz: Schritt ${number(step)}.`,
    model: 'Modell',
    choices: { auto: 'Das bessere', quick: 'Schnelles Modell', network: 'Netz' },
    show: 'Anzeige',
    modes: {
      result: 'Ergebnis',
      probability: 'Wahrscheinlichkeit',
      uncertainty: 'Unsicherheit',
      outlines: 'Umrisse',
    },
    shares: 'Anteil jeder Klasse am sichtbaren Ausschnitt',
  },

  train: {
    title: 'Ein Netz trainieren',
    help: 'Ein Netz lernt aus allem, was annotiert ist. Es braucht länger als die Live-Vorschau und kann mehr.',
    time: 'Dauer',
    minutes: (n: number) => `${number(n)} min`,
    from: 'Ausgehen von',
    scratch: 'Neues Netz',
    live: (step: number) => `Live-Netz, Schritt ${number(step)}`,
    run: (run: string, best: string | undefined) => (best === undefined ? run : `${run}, ${best}`),
    modelsAdded: (models: readonly string[]) => `${models.join(', ')} hinzugefügt: unter Training, Ausgehen von.`,
    resume: (run: string, step: number, of: number) => `${run} fortsetzen: Schritt ${number(step)} von ${number(of)}`,
    start: 'Trainieren',
    lacking: 'Annotieren Sie zuerst zwei Klassen: je ein paar Striche genügen.',
    progress: 'Fortschritt des Trainings',
    step: (n: number) => `Schritt ${number(n)}`,
    left: (time: string) => `noch ${time}`,
    preparing: 'Wird vorbereitet …',
    stop: 'Beenden, bestes behalten',
    stopping: 'Wird beendet …',
    stopQuestion: 'Das Training beenden?',
    notes: 'Was gefunden und entschieden wurde',
    curves: 'Verlauf',
    loss: 'Verlust',
    score: 'Güte',
    lossCurve: (n: number) => `Verlust über ${number(n)} Schritte`,
    scoreCurve: (name: string, n: number) => `${name} des Zurückgehaltenen, ${count(n, 'Wert', 'Werte')}`,
    best: (step: number, name: string, value: string) => `Bestes: Schritt ${number(step)}, ${name} ${value}`,
    doubt: (doubt: { readonly steps: number; readonly class: string; readonly found: number }) =>
      `Das Netz wurde nur ${count(doubt.steps, 'Schritt', 'Schritte')} oder an zu wenig trainiert: Es findet ${percent(doubt.found)} von dem, was als „${doubt.class}“ gemalt ist. Trainieren Sie länger, bevor Sie ihm trauen.`,
    behindQuick: ({ network, quick }: { readonly network: number; readonly quick: number }) =>
      `Das schnelle Modell stimmt besser mit dem Gemalten überein (Dice ${decimals(quick)}) als dieses Netz (${decimals(network)}). Trainieren Sie länger, oder messen Sie mit dem schnellen Modell.`,
    unlikeQuick: ({ class: name, dice }: { readonly class: string; readonly dice: number }) =>
      `Das schnelle Modell sieht „${name}“ anders (Dice ${decimals(dice)}). Vergleichen Sie beide unter Messen, und malen Sie, wo sie verschieden sind.`,
    scoredOn: ({ pixels, objects }: { readonly pixels: number; readonly objects?: number }) =>
      `Die Güte beruht auf ${count(pixels, 'Pixel', 'Pixeln')}${objects === undefined ? '' : ` und ${count(objects, 'Objekt', 'Objekten')}`}, die zurückgehalten sind.`,
    heldOut: (n: number) =>
      `Bewertet an ${count(n, 'Bereich', 'Bereichen')}, aus denen es nie lernt: denen mit geschlossenem Schloss.`,
    scoreLacks: (n: number) =>
      `Für eine Bewertung ziehen Sie mit R noch ${count(n, 'Bereich', 'Bereiche')} auf, in denen Sie alles annotieren: Der dritte wird zurückgehalten.`,
    noScore: 'Keine Bewertung: Halten Sie mit dem Schloss einen Bereich zurück, der alle Klassen zeigt.',
    command: 'Dasselbe auf der Kommandozeile',
    done: (steps: number, result: string | undefined) =>
      result === undefined ? `${number(steps)} Schritte trainiert.` : `${number(steps)} Schritte trainiert: ${result}.`,
  },

  check: {
    title: 'Wo das Modell unsicher ist',
    help: 'Jede Stelle, die Sie übernehmen oder korrigieren, ist annotiert, und das Modell lernt daraus.',
    find: 'Unsichere Stellen suchen',
    again: 'Neu suchen',
    searching: 'Wird gesucht …',
    stopQuestion: 'Die Suche beenden?',
    place: (n: number, of: number) => `Stelle ${number(n)} von ${number(of)}`,
    where: (image: string, { x, y, width, height }: { x: number; y: number; width: number; height: number }) =>
      `${image}, ${number(width)} × ${number(height)} px bei ${number(x)}, ${number(y)}`,
    random: 'zufällig gezogen',
    accept: 'Übernehmen',
    corrected: 'Korrigiert',
    skip: 'Auslassen',
    how: 'Stimmt die Vorschau? Übernehmen macht sie zur Annotation. Sonst Falsches übermalen, dann Korrigiert drücken.',
    verdicts: { accepted: 'übernommen', corrected: 'korrigiert', skipped: 'ausgelassen' },
    bars: 'Balken: wie unsicher das Modell ist, von 0 (jedes Pixel ist sicher) bis 1 (keines).',
    uncertainty: decimals,
    accuracy: 'Geschätzte Genauigkeit',
    right: (right: number, judged: number) =>
      `${number(right)} von ${count(judged, 'zufälliger Stelle', 'zufälligen Stellen')} waren richtig vorhergesagt`,
    accuracyHelp: 'Nur über zufällig gezogene Stellen gezählt, damit die schwierigen sie nicht verzerren.',
    done: 'Alle Stellen sind angesehen. Suchen Sie nach neuen.',
    none: 'Es wurde keine unsichere Stelle gefunden.',
    unchanged: 'Hier wurde nichts gemalt. Übermalen Sie, was falsch ist; sonst drücken Sie Übernehmen.',
    noPreview: 'Die Vorschau dieser Stelle fehlt noch. Warten Sie, oder schalten Sie die Live-Vorschau ein.',
  },

  measure: {
    title: 'Alle Bilder segmentieren',
    help: 'Jedes Bild des Projekts wird segmentiert und gemessen.',
    minSize: 'Kleinstes Objekt',
    pixels: 'px',
    excludeBorder: 'Objekte am Rand weglassen',
    fillHoles: 'Löcher füllen',
    splitNecks: 'Objekte an Engstellen teilen',
    pixelSize: 'Pixelgröße',
    unit: 'Einheit der Pixelgröße',
    sliceDistance: 'Schichtabstand',
    noPixelSize: 'Die Datei gibt sie nicht an. Ohne sie sind Längen und Flächen in Pixeln.',
    run: 'Alle segmentieren',
    stopQuestion: 'Das Segmentieren beenden?',
    byQuick: 'Mit dem schnellen Modell: Noch ist kein Netz trainiert.',
    noModel: 'Trainieren Sie zuerst ein Netz, oder schalten Sie die Live-Vorschau ein.',
    found: (images: number, found: number, isObjects: boolean) =>
      `${isObjects ? count(found, 'Objekt', 'Objekte') : count(found, 'Fläche', 'Flächen')} in ${count(images, 'Bild', 'Bildern')}`,
    joined: (found: number) =>
      `${count(found, 'Objekt hat eine Engstelle', 'Objekte haben eine Engstelle')}: Dort berühren sich vielleicht mehrere. „Objekte an Engstellen teilen“ trennt sie.`,
    since: (n: number) => `${count(n, 'Bild ist', 'Bilder sind')} neu: Segmentieren Sie noch einmal.`,
    outdated: 'Nicht alles davon gilt schon: Segmentieren Sie noch einmal.',
    showResult: 'Segmentierung zeigen',
    table: 'Messwerte',
  },

  export: {
    title: 'Exportieren',
    formats: {
      csv: ['Tabelle, CSV', 'Für jede Tabellenkalkulation'],
      parquet: ['Tabelle, Parquet', 'Für pandas, R und DuckDB'],
      labels: ['Labelbilder, TIFF', 'Eine Nummer je Objekt oder Klasse'],
      roi: ['ImageJ-ROIs', 'Für den ROI Manager'],
      geojson: ['GeoJSON', 'Für QuPath'],
      coco: ['COCO', 'Für andere Trainingsprogramme'],
      onnx: ['Modell, ONNX', 'Läuft mit jeder ONNX Runtime und mit lamella predict'],
      bioimageio: ['Modell, BioImage.IO', 'Für Programme, die seine Pakete lesen'],
      quick: [
        'Schnelles Modell, ONNX',
        'Das der Live-Vorschau: klein und schnell, und weniger gut als ein trainiertes Netz',
      ],
      report: ['Bericht, HTML', 'Wie das Modell trainiert wurde, wie gut es ist, und was gemessen wurde'],
      project: ['Projekt, Zip', 'Alles zusammen'],
    },
    noPrediction: 'Tabellen und Formen gibt es, sobald die Bilder segmentiert sind: Messen, Alle segmentieren.',
    start: 'Exportieren',
    ready: (name: string) => `${name} ist bereit.`,
  },

  help,

  task: {
    title: 'Wonach suchen Sie?',
    names: { classes: 'Flächen', objects: 'Objekte' },
    help: {
      classes: 'Jedes Pixel bekommt eine Klasse, etwa Gewebearten, Membranen oder Lungen.',
      objects: 'Jedes Objekt bekommt eine eigene Nummer, etwa Kerne oder Zellen, auch wo sie sich berühren.',
    },
    settled: 'Steht seit der ersten Änderung fest. Die andere Art braucht ein neues Projekt.',
  },

  classes: {
    title: 'Klassen',
    background: 'Hintergrund',
    foreground: 'Vordergrund',
    object: 'Objekt',
    add: 'Neue Klasse',
    name: 'Name der Klasse',
    newName: (n: number) => `Klasse ${n}`,
    taken: (name: string) => `Eine Klasse „${name}“ gibt es schon.`,
    paintWith: (n: number, name: string) => `${n}: mit ${name} malen`,
    colour: (name: string) => `Farbe von ${name}`,
    show: (name: string) => `${name} zeigen`,
  },

  regions: {
    title: 'Bereiche',
    help: 'Ziehen Sie mit R einen auf, in dem Sie alles annotieren: Was darin unbemalt ist, ist Hintergrund.',
    complete: 'vollständig',
    held: 'zurückgehalten',
    name: (id: number) => `Bereich ${id}`,
    heldOut: (id: number) =>
      `Bereich ${id} wird zurückgehalten: Ein Netz wird an ihm bewertet und lernt nie aus ihm. Sein Schloss ändert das.`,
    hold: (id: number) => `Bereich ${id} zurückhalten: nie zum Trainieren, nur zur Bewertung`,
    remove: (id: number) => `Bereich ${id} entfernen`,
  },

  keys: {
    title: 'Tasten',
    how: 'Klicken Sie auf eine Taste, um dem Befehl eine andere zu geben.',
    caps: {
      Ctrl: 'Strg',
      Shift: 'Umschalt',
      Space: 'Leertaste',
      Enter: 'Eingabe',
      Escape: 'Esc',
      Delete: 'Entf',
    },
    press: 'Taste drücken …',
    change: (command: string) => `Taste von „${command}“ ändern, jetzt`,
    taken: (key: string, command: string) => `${key} ist schon „${command}“.`,
    reset: 'Ursprüngliche Tasten wiederherstellen',
    groups: {
      tools: 'Werkzeuge',
      classes: 'Klassen',
      edit: 'Bearbeiten',
      view: 'Ansicht',
      check: 'Prüfen',
      windows: 'Fenster',
    },
    class: (n: number) => `Klasse ${n}`,
    unknown: 'Nicht annotiert',
    focusImage: 'Zum Bild, um mit den Pfeiltasten zu malen; von dort zur Leiste rechts',
    edit: {
      smaller: 'Kleinerer Pinsel',
      larger: 'Größerer Pinsel',
      onePixel: 'Pinsel von einem Pixel',
      merge: 'Gewählte Objekte verbinden',
      remove: 'Gewählte Objekte löschen',
      fillHoles: 'Löcher gewählter Objekte füllen',
      copySlice: 'Labels in die nächste Schicht kopieren',
      interpolate: 'Zwischen annotierten Schichten interpolieren',
      undo: 'Rückgängig',
      redo: 'Wiederholen',
      finish: 'Polygon schließen',
      cancel: 'Abbrechen; oder beenden, was läuft',
    },
    check: {
      accept: 'Stelle übernehmen',
      correct: 'Stelle ist korrigiert',
      skip: 'Stelle auslassen',
      next: 'Nächste unsichere Stelle',
    },
    view: {
      live: 'Live-Vorschau ein und aus',
      update: 'Die Vorschau jetzt einmal erneuern, auch wenn sie aus ist',
      mode: 'Ergebnis, Wahrscheinlichkeit, Unsicherheit, Umrisse',
      fit: 'Bild einpassen',
      actual: 'Originalgröße, dann achtfach',
      zoomIn: 'Vergrößern',
      zoomOut: 'Verkleinern',
      nextSlice: 'Nächste Schicht',
      previousSlice: 'Vorige Schicht',
      nextImage: 'Nächstes Bild',
      previousImage: 'Voriges Bild',
      annotation: 'Annotation ein und aus',
    },
    pointer: 'Zeiger',
    pointerList: [
      ['Alt', 'Gehalten: löschen, mit jedem Werkzeug'],
      ['Umschalt', 'Gehalten: gerade Linie mit dem Pinsel; weitere Objekte mit Auswählen'],
      ['Leertaste', 'Gehalten: Bild verschieben; auch die mittlere Maustaste'],
      ['Rad', 'Am Zeiger zoomen'],
      ['3 Finger', 'Tippen: rückgängig'],
      ['Umschalt+Rad', 'Größe des Pinsels'],
      ['Pfeile', 'Fadenkreuz bewegen; mit Umschalt um 10 Pixel'],
      ['Eingabe', 'Am Fadenkreuz malen, solange es gehalten wird'],
    ],
  },

  settings: {
    title: 'Einstellungen',
    theme: 'Aussehen',
    themes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    language: 'Sprache',
    languages: { system: 'Wie der Browser', en: 'English', de: 'Deutsch' },
    fingerDraws: 'Ein Finger zeichnet',
    fingerDrawsHelp: 'Sonst verschiebt ein Finger das Bild, und ein Stift zeichnet.',
    brushOnScreen: 'Der Pinsel behält seine Größe auf dem Bildschirm',
    brushOnScreenHelp: 'Sonst zählt seine Größe in Bildpixeln.',
    liveStarts: 'Sie beginnt von selbst',
    liveStartsHelp: 'Sobald zwei Klassen gemalt sind. Sonst wird sie von Hand eingeschaltet.',
    pen: 'Stift und Finger',
    brush: 'Pinsel',
  },
};
