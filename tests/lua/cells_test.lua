--- Text as cells of the screen: what of it is seen.

local child = require('support.child')
local nvim = require('support.nvim')
local equal = child.equal

local cells = require('agor.ui.cells')

local T = {}

T['what draws nothing is seen and what is meant stays, as the backend has it'] = function()
  local path = nvim.root .. '/tests/fixtures/unseen.json'
  local pairs_ = vim.json.decode(table.concat(vim.fn.readfile(path), '\n'))
  assert(#pairs_ > 15)
  for _, pair in ipairs(pairs_) do
    equal(cells.visible(pair[1]), pair[2])
    equal(#cells.clean(pair[1]), #pair[1])
  end
end

T['a title has no control characters, and nothing that a float draws as it is'] = function()
  equal(cells.clean('a\27[2J b\0c\rd\n\127'), 'a [2J b c d  ')
  equal(cells.clean('x\u{9b}y\u{202e}z\u{200b}\u{feff}'), 'x¤y\u{fffd}z\u{fffd}\u{fffd}')
  equal(cells.visible('a\27b\0c\rd'), 'a\27b c\rd')
end

return T
