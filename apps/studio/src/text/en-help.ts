/** The pages of the help, in English. */

export const help = {
  title: 'Help',
  topics: 'Topics',
  keys: 'Keys',
  about: (topic: string) => `Help: ${topic}`,
  tooltip: (key: string) => `${key}: help`,
  tour: 'Take the tour',
  tourHelp: 'Two minutes, on images that are there at once.',
  version: (version: string) => `Lamella ${version}`,
  groups: { begin: 'To begin with', tools: 'Tools', work: 'From strokes to numbers' },
  pages: {
    begin: {
      title: 'In five minutes',
      body: [
        'Drop your images. Choose a class at the right, and paint a few strokes on what belongs to it; then a few on what does not.',
        'The live preview shows what a quick model makes of it. Paint where it is wrong.',
        'Train a network for a minute or more, check where it is unsure, and segment all images.',
      ],
    },
    unknown: {
      title: 'What is not annotated',
      body: [
        'Pixels that you do not paint are unknown, and nothing is learned from them. Inside a region that is complete, what you do not paint is background.',
        'A region with a closed padlock is held out: the network never learns from it and is scored on it.',
      ],
    },
    kept: {
      title: 'Where your work is',
      body: [
        'Every change is kept on this computer as soon as it is made, and can be undone, also after the page was closed.',
        'Browsers may clear what they keep when space is short. Save the project to disk for safekeeping, or to train on it with lamella train.',
      ],
    },
    keyboard: {
      title: 'Without a mouse',
      body: [
        'The first key below goes to the image. There the arrow keys move a crosshair, with Shift by 10 pixels, and Enter paints while it is held.',
        'A pen draws, its eraser end erases, and its barrel button picks a label. One finger moves the image, two fingers zoom it.',
      ],
    },
    brush: {
      title: 'Brush',
      body: [
        'Paints the chosen class where you drag. In a project of objects, a stroke that begins outside of all objects makes a new one; one that begins inside an object adds to it.',
        'Hold Shift for a straight line, Alt to erase. Shift and the wheel change the size, which is in pixels of the image.',
      ],
    },
    eraser: {
      title: 'Eraser',
      body: [
        'Makes pixels unknown again: nothing is learned from them. To say that something is background, paint it with the class background instead.',
        'Alt erases with any tool while it is held.',
      ],
    },
    polygon: {
      title: 'Polygon and lasso',
      body: [
        'Click corner after corner, or drag along an outline; Enter or a double click closes it, and what is inside is painted.',
        'Hold Alt to cut a hole.',
      ],
    },
    fill: {
      title: 'Fill',
      body: [
        'Paints what is connected to the clicked pixel and about as bright. Tolerance says how far brightness may differ, as a share of the contrast.',
        'It stays within the label that was clicked.',
      ],
    },
    wand: {
      title: 'Wand',
      body: [
        'A brush that keeps to what is alike: inside its circle it paints the pixels connected to the middle whose brightness is near that around it.',
        'Drag to go on. Tolerance makes it take more or less.',
      ],
    },
    region: {
      title: 'Region',
      body: [
        'Drag a rectangle in which you annotate everything. While it is complete, what you do not paint inside it is background, which saves painting it.',
        'Close the padlock of a region to hold it out: networks never learn from it and are scored on it.',
      ],
    },
    object: {
      title: 'New object',
      body: [
        'Each stroke is an object of its own with a new number, also where it touches another one. Pixels of other objects are kept.',
      ],
    },
    select: {
      title: 'Select',
      body: [
        'Click an object, or drag a rectangle around several; Shift adds to what is chosen. What is chosen can be deleted, merged, or have its holes filled.',
      ],
    },
    merge: {
      title: 'Merge',
      body: [
        'Makes one object of several: choose them with Select, the second and further ones with Shift, then merge.',
      ],
    },
    split: {
      title: 'Split',
      body: [
        'Draw a line across an object, from outside to outside: the two sides become two objects. No pixel is lost.',
      ],
    },
    pick: {
      title: 'Pick label',
      body: [
        'Click what is painted, and its class, or its object, is the one to paint with. With a pen, the barrel button does the same.',
      ],
    },
    hand: {
      title: 'Hand',
      body: [
        'Moves the image. So do the middle button and Space while it is held, with any tool; the wheel zooms at the pointer.',
      ],
    },
    interpolate: {
      title: 'Interpolation',
      body: [
        'Annotate a slice, skip some, annotate another: the slices between are filled with shapes in between. They can be corrected and undone like any edit.',
        'Or copy the labels of a slice to the next one, and correct them there.',
      ],
    },
    live: {
      title: 'Live preview',
      body: [
        'As soon as two classes are painted, a quick model shows what it makes of what is on the screen. A network learns behind it, and takes over once it predicts new strokes better.',
        'Show changes between result, probability, uncertainty and outlines. Where the uncertainty is bright, a stroke helps most.',
      ],
    },
    train: {
      title: 'Train',
      body: [
        'A network learns from everything annotated, for as long as you say. Stop it when the curve no longer improves: the best model is kept.',
        'It is scored on what is held out. The command below the curve does the same on the command line.',
      ],
    },
    check: {
      title: 'Check',
      body: [
        'Studio takes you to the places where the model is least sure. Accept what the preview shows, or paint over what is wrong and press Corrected: both become annotation.',
        'Some places are drawn at random; the accuracy is estimated from those alone.',
      ],
    },
    measure: {
      title: 'Measure',
      body: [
        'The network, or the quick model, segments every image, and each object becomes a row: area, shape, brightness, in the units of the image. Click a heading to sort, the first cell of a row to see its object.',
      ],
    },
    export: {
      title: 'Export',
      body: [
        'Tables for a spreadsheet or a program, label images, shapes for ImageJ and QuPath, the model as ONNX, and a report. Save keeps the whole project in a folder of yours, or as a zip.',
      ],
    },
  },
};
