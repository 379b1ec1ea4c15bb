/** As the dashboard's template goes, cut to what matters to a store. */
const template = `job: extension
config:
  # Nazwa pliku wynikowego – ćwiczenie
  name: "my_first_lora"
  process:
    - type: 'sd_trainer'
      training_folder: "output"
      device: cuda:0
      network: { type: lora, linear: 16 }
      save: { dtype: float16, save_every: 250 }
      datasets:
        - folder_path: "/path/to/images/folder"
          caption_ext: "txt"
      train:
        steps: 500
        lr: 1e-4
`.replaceAll('\n', '\r\n')

/** With the folder of an upload pasted over the first two places, unquoted and as a replacement text, as the dashboard does. */
export const trainingYaml = (folder: string): string =>
  template
    .replace(/training_folder:.*/, `training_folder: ${folder}`)
    .replace(/folder_path:.*/, `folder_path: ${folder}`)

export const generationYaml = (loraPath: string): string =>
  `job: generate\nconfig:\n  name: first images\n  process:\n    - type: to_folder\n      model:\n        lora_path: ${loraPath}\n`
