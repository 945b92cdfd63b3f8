export type Row = Record<string, string>;

/** The first row has all columns. */
export function printTable(title: string, rows: readonly Row[]): void {
  const columns = Object.keys(rows[0]!);
  const lines = [columns, columns.map(() => "---"), ...rows.map((row) => columns.map((column) => row[column] ?? ""))];
  console.log(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`);
}
