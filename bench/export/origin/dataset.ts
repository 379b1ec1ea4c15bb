/** Where the service keeps what others see; its default prefix. */
export const datasetsPrefix = 'lora-dashboard/dataset/'

/** A dataset of equal files, told by its name: `5000x20000` has 5,000 of 20,000 bytes. */
export interface Dataset {
  readonly name: string
  readonly files: number
  readonly fileBytes: number
}

export const datasetOf = (files: number, fileBytes: number): Dataset => ({
  name: `${files}x${fileBytes}`,
  files,
  fileBytes,
})

/** As a key below `datasetsPrefix`, and as the path in an archive. */
export const fileName = ({ name }: Dataset, index: number): string => `${name}/${`${index}`.padStart(6, '0')}.bin`
