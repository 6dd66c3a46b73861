// The outputs of ours in the notebook around a view. A page that was loaded anew knows no display ids, so the kernel
// cannot change them by itself; a view that is open does it in the document, as Lab does for an id that it knows.

const MARK = "kuiper_nb";

function outputsAround(model) {
  const manager = model.widget_manager;
  const cells = manager && manager.context && manager.context.model && manager.context.model.cells;
  const found = [];
  for (let n = 0; cells && n < cells.length; n += 1) {
    const { outputs } = cells.get(n);
    for (let i = 0; outputs && i < outputs.length; i += 1) {
      const mark = (outputs.get(i).metadata || {})[MARK];
      if (mark && mark.view) found.push({ outputs, i, mark });
    }
  }
  return found;
}

/** Which of them stand there, and the how-manieth. */
const standing = (model) => Object.fromEntries(outputsAround(model).map(({ mark }) => [mark.view, mark.number]));

function place(model, { view, number, data, metadata }) {
  for (const { outputs, i, mark } of outputsAround(model)) {
    if (mark.view === view && mark.number !== number) outputs.set(i, { output_type: "display_data", data, metadata });
  }
}
