import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { describeIds } from '../../contract/ids.ts'

describeIds('web-crypto', createIds)
