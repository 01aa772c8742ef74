// Text that people may write freely is code as soon as it stands in a script. It goes through a template marked: `free`
// until it is quoted for the language of the script, and again when anything changes it after that. What is marked `free`
// is never printed. A mark is on every text that is made of marked ones, so no way round leaves it behind.
export interface Mark {
  kind: 'free' | 'quoted';
  /** The name by which the text came in: `task.description`. */
  origin: string;
}

export class Marked {
  readonly isMarked = true;
  readonly text: string;
  readonly mark: Mark;
  constructor(text: string, mark: Mark) {
    this.text = text;
    this.mark = mark;
  }
}
