--- The few signs that bars, boards and questions use, in three sets. A sign never stands alone: text says the same.

local M = {}

---@class agor.Icons
---@field running string
---@field idle string
---@field done string
---@field error string
---@field stalled string
---@field waits string for the user
---@field pointer string
---@field on string
---@field off string
---@field input string
---@field output string
---@field dot string
---@field more string
---@field below string there is more further down
---@field spin string[]

---@type table<string, agor.Icons>
local SETS = {
  unicode = {
    running = '●',
    spin = { '⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏' },
    idle = '○',
    done = '✓',
    error = '✗',
    stalled = '!',
    waits = '?',
    pointer = '❯',
    on = '◼',
    off = '◻',
    input = '↑',
    output = '↓',
    dot = '·',
    more = '…',
    below = '↓',
  },
  nerd = {
    running = '\u{f144}',
    spin = { '⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏' },
    idle = '\u{f10c}',
    done = '\u{f00c}',
    error = '\u{f00d}',
    stalled = '\u{f12a}',
    waits = '\u{f128}',
    pointer = '\u{f054}',
    on = '\u{f14a}',
    off = '\u{f096}',
    input = '\u{f062}',
    output = '\u{f063}',
    dot = '·',
    more = '…',
    below = '\u{f063}',
  },
  ascii = {
    running = '*',
    spin = { '|', '/', '-', '\\' },
    idle = '-',
    done = '+',
    error = '!',
    stalled = '?',
    waits = '?',
    pointer = '>',
    on = '[x]',
    off = '[ ]',
    input = '^',
    output = 'v',
    dot = '-',
    more = '...',
    below = 'v',
  },
}

---@return agor.Icons
function M.get()
  return SETS[require('agor.config').get().icons] or SETS.unicode
end

return M
