export type Row = Record<string, string>;

/** Prints each row as it comes; the first has all columns. */
export class Table {
  readonly #title: string;
  #columns: readonly string[] | undefined;

  constructor(title: string) {
    this.#title = title;
  }

  add(row: Row): void {
    if (!this.#columns) {
      this.#columns = Object.keys(row);
      console.log(`\n${this.#title}\n\n${line(this.#columns)}\n${line(this.#columns.map(() => "---"))}`);
    }
    console.log(line(this.#columns.map((column) => row[column] ?? "")));
  }
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
