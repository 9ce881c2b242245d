/** Die Seiten der Hilfe, auf Deutsch. */

import type { help as english } from './en-help.ts';

export const help: typeof english = {
  title: 'Hilfe',
  topics: 'Themen',
  keys: 'Tasten',
  about: (topic: string) => `Hilfe: ${topic}`,
  tooltip: (key: string) => `${key}: Hilfe`,
  tour: 'Rundgang beginnen',
  tourHelp: 'Zwei Minuten, an Bildern, die sofort da sind.',
  version: (version: string) => `Lamella ${version}`,
  groups: { begin: 'Für den Anfang', tools: 'Werkzeuge', work: 'Vom Strich zur Zahl' },
  pages: {
    begin: {
      title: 'In fünf Minuten',
      body: [
        'Legen Sie Ihre Bilder ab. Wählen Sie rechts eine Klasse und malen Sie ein paar Striche auf das, was dazugehört, dann ein paar daneben.',
        'Die Live-Vorschau zeigt, was ein schnelles Modell daraus macht. Malen Sie dort, wo sie falsch ist.',
        'Trainieren Sie ein Netz eine Minute oder länger, prüfen Sie, wo es unsicher ist, und segmentieren Sie alle Bilder.',
      ],
    },
    unknown: {
      title: 'Was nicht annotiert ist',
      body: [
        'Pixel, die Sie nicht bemalen, sind unbekannt; aus ihnen wird nichts gelernt. In einem vollständigen Bereich ist Hintergrund, was Sie nicht bemalen.',
        'Ein Bereich mit geschlossenem Schloss ist zurückgehalten: Das Netz lernt nie daraus und wird daran bewertet.',
      ],
    },
    kept: {
      title: 'Wo Ihre Arbeit ist',
      body: [
        'Jede Änderung wird sofort auf diesem Rechner gesichert und lässt sich rückgängig machen, auch nachdem die Seite geschlossen war.',
        'Wird der Platz knapp, löschen Browser manchmal, was sie aufbewahren. Speichern Sie das Projekt auf der Festplatte, auch für lamella train.',
      ],
    },
    keyboard: {
      title: 'Ohne Maus',
      body: [
        'Die erste Taste unten führt zum Bild. Dort bewegen die Pfeiltasten ein Fadenkreuz, mit Umschalt um 10 Pixel, und die Eingabetaste malt, solange sie gedrückt ist.',
        'Ein Stift zeichnet, sein Radiererende löscht, seine Seitentaste nimmt ein Label auf. Ein Finger verschiebt das Bild, zwei zoomen.',
      ],
    },
    brush: {
      title: 'Pinsel',
      body: [
        'Malt die gewählte Klasse, wo Sie ziehen. In einem Projekt mit Objekten legt ein Strich, der außerhalb aller Objekte beginnt, ein neues an; beginnt er in einem Objekt, erweitert er es.',
        'Umschalt zieht eine gerade Linie, Alt löscht. Umschalt und das Mausrad ändern die Größe, die in Bildpixeln zählt.',
      ],
    },
    eraser: {
      title: 'Radierer',
      body: [
        'Macht Pixel wieder unbekannt: Aus ihnen wird nichts gelernt. Hintergrund malen Sie stattdessen mit seiner Klasse.',
        'Alt löscht mit jedem Werkzeug, solange es gedrückt ist.',
      ],
    },
    polygon: {
      title: 'Polygon und Lasso',
      body: [
        'Klicken Sie Ecke für Ecke oder ziehen Sie einen Umriss; die Eingabetaste oder ein Doppelklick schließt ihn, und sein Inneres wird bemalt.',
        'Mit Alt wird ein Loch ausgeschnitten.',
      ],
    },
    fill: {
      title: 'Füllen',
      body: [
        'Bemalt, was mit dem angeklickten Pixel zusammenhängt und etwa gleich hell ist. Die Toleranz ist ein Anteil des Kontrasts.',
        'Gefüllt wird nur innerhalb des angeklickten Labels.',
      ],
    },
    wand: {
      title: 'Zauberstab',
      body: [
        'Ein Pinsel, der sich an Ähnliches hält: In seinem Kreis bemalt er die mit der Mitte zusammenhängenden Pixel, deren Helligkeit der ihrer Umgebung gleicht.',
        'Ziehen setzt ihn fort. Die Toleranz lässt ihn mehr oder weniger nehmen.',
      ],
    },
    region: {
      title: 'Bereich',
      body: [
        'Ziehen Sie ein Rechteck auf, in dem Sie alles annotieren. Solange es vollständig ist, ist Hintergrund, was Sie darin nicht bemalen.',
        'Schließen Sie das Schloss eines Bereichs, um ihn zurückzuhalten: Netze lernen nie daraus und werden daran bewertet.',
      ],
    },
    object: {
      title: 'Neues Objekt',
      body: [
        'Jeder Strich ist ein eigenes Objekt mit neuer Nummer, auch wo er ein anderes berührt. Pixel anderer Objekte bleiben.',
      ],
    },
    select: {
      title: 'Auswählen',
      body: [
        'Klicken Sie ein Objekt an oder ziehen Sie ein Rechteck um mehrere; Umschalt fügt zur Auswahl hinzu. Ausgewählte lassen sich löschen, verbinden oder von Löchern befreien.',
      ],
    },
    merge: {
      title: 'Verbinden',
      body: ['Macht aus mehreren Objekten eines: mit Auswählen wählen, ab dem zweiten mit Umschalt, dann verbinden.'],
    },
    split: {
      title: 'Teilen',
      body: [
        'Ziehen Sie eine Linie quer durch ein Objekt, von außen nach außen: Die beiden Seiten werden zwei Objekte. Kein Pixel geht verloren.',
      ],
    },
    pick: {
      title: 'Pipette',
      body: [
        'Klicken Sie auf etwas Gemaltes: Mit dessen Klasse oder Objekt wird dann gemalt. Beim Stift tut es die Seitentaste.',
      ],
    },
    hand: {
      title: 'Hand',
      body: [
        'Verschiebt das Bild. Das tun immer auch die mittlere Maustaste und die Leertaste; das Mausrad zoomt am Zeiger.',
      ],
    },
    interpolate: {
      title: 'Interpolation',
      body: [
        'Annotieren Sie eine Schicht, lassen Sie einige aus, annotieren Sie eine weitere: Die dazwischen bekommen Zwischenformen, die sich korrigieren und rückgängig machen lassen.',
        'Oder kopieren Sie die Labels einer Schicht in die nächste und korrigieren Sie sie dort.',
      ],
    },
    live: {
      title: 'Live-Vorschau',
      body: [
        'Sobald zwei Klassen gemalt sind, zeigt ein schnelles Modell, was es aus dem sichtbaren Ausschnitt macht. Dahinter lernt ein Netz, das übernimmt, sobald es neue Striche besser vorhersagt.',
        'Die Anzeige wechselt zwischen Ergebnis, Wahrscheinlichkeit, Unsicherheit und Umrissen. Wo die Unsicherheit hell ist, hilft ein Strich am meisten.',
      ],
    },
    train: {
      title: 'Trainieren',
      body: [
        'Ein Netz lernt aus allem Annotierten, so lange Sie es sagen. Beenden Sie es, wenn die Kurve nicht mehr besser wird: Das beste Modell bleibt.',
        'Bewertet wird es an dem, was zurückgehalten ist. Der Befehl unter der Kurve tut dasselbe auf der Kommandozeile.',
      ],
    },
    check: {
      title: 'Prüfen',
      body: [
        'Studio führt Sie zu den Stellen, an denen das Modell am unsichersten ist. Übernehmen Sie die Vorschau, oder malen Sie über Falsches und drücken Sie Korrigiert.',
        'Einige Stellen sind zufällig gezogen; allein aus ihnen wird die Genauigkeit geschätzt.',
      ],
    },
    measure: {
      title: 'Messen',
      body: [
        'Das Netz oder das schnelle Modell segmentiert jedes Bild, und jedes Objekt wird eine Zeile: Fläche, Form, Helligkeit, in den Einheiten des Bildes. Überschriften sortieren, die erste Zelle einer Zeile zeigt das Objekt.',
      ],
    },
    export: {
      title: 'Exportieren',
      body: [
        'Tabellen, Labelbilder, Formen für ImageJ und QuPath, das Modell als ONNX und ein Bericht. Speichern legt das ganze Projekt in einem Ordner oder als Zip ab.',
      ],
    },
  },
};
