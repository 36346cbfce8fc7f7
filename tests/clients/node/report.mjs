// What the scripts share: values and errors printed in a form in which two servers can be compared.

export const show = (label, value) => console.log(label, JSON.stringify(value, replacer));

function replacer(key, value) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value;
}

/** Runs what must fail and prints SQLSTATE, message and what else a program may look at. */
export async function showError(label, failing) {
  try {
    await failing();
    console.log(label, "succeeded");
  } catch (error) {
    const { code, severity, detail, hint, position, table, table_name, column, column_name, constraint, constraint_name } = error;
    show(label, {
      code, severity, message: error.message, detail, hint, position, table: table ?? table_name,
      column: column ?? column_name, constraint: constraint ?? constraint_name,
    });
  }
}
