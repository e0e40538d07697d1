/*
 * The library's entry in the hub's list of libraries: it gives the page of a model whose card says
 * `library_name: transfer-zoo` the button "Use this model" with the lines that load it.
 *
 * To have it listed (https://huggingface.co/docs/hub/models-adding-libraries):
 *
 * 1. Publish a model with `zoo hub push`, so that there is one with this library_name.
 * 2. Fork huggingface/huggingface.js and put the first part below, its ADDRESS replaced by that of
 *    the library's repository, into packages/tasks/src/model-libraries.ts, in alphabetical order.
 * 3. Put the second part into packages/tasks/src/model-libraries-snippets.ts.
 * 4. Run `pnpm --filter tasks check`, and open a pull request with a link to the model.
 *
 * Downloads are counted by config.json, which is the hub's default and which each artifact has.
 */

// ---- model-libraries.ts, inside MODEL_LIBRARIES_UI_ELEMENTS ----------------------------------------

	"transfer-zoo": {
		prettyLabel: "transfer-zoo",
		repoName: "transfer-zoo",
		repoUrl: "ADDRESS",
		filter: false,
		snippets: snippets.transfer_zoo,
	},

// ---- model-libraries-snippets.ts -------------------------------------------------------------------

export const transfer_zoo = (model: ModelData): string[] => [
	`# pip install transfer-zoo
import zoo

model = zoo.load("${model.id}")`,
];
