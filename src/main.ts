#!/usr/bin/env node
import { commandLine } from './cli/command-line.ts'

// The one exit of the process: stray handles must not keep a finished command alive.
process.exit(await commandLine(process.argv))
