-- What is taken of a buffer, compared with what Neovim itself yanks.

local nvim = require('support.nvim')
local test, equal = nvim.test, nvim.equal

local T = {}

-- Random text and selections of all kinds under all options; the seed is fixed.
T['the selection is exactly what a yank takes, and leaves no trace'] = test(nil, function(child)
  local wrong = child:lua([[
    local context = require('agor.context')
    local chars = { 'a', 'b', ' ', '\t', 'ä', '漢', 'x', '👍', 'e\204\129' }
    local wrong = {}
    math.randomseed(7)
    local function random_lines()
      local lines = {}
      for row = 1, math.random(1, 6) do
        local cells = {}
        for col = 1, math.random(0, 12) do cells[col] = chars[math.random(#chars)] end
        lines[row] = table.concat(cells)
      end
      return lines
    end
    for _, selection in ipairs({ 'inclusive', 'exclusive', 'old' }) do
      for _, virtual in ipairs({ '', 'block', 'all', 'onemore' }) do
        vim.o.selection, vim.o.virtualedit = selection, virtual
        for _ = 1, 60 do
          local lines = random_lines()
          vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
          local mode = ({ 'v', 'V', '\22' })[math.random(3)]
          local keys = math.random(#lines) .. 'G' .. math.random(0, 8) .. '|' .. mode .. math.random(#lines) .. 'G'
            .. math.random(1, 9) .. '|' .. (math.random(4) == 1 and '$' or '') .. (math.random(3) == 1 and 'o' or '')
          vim.cmd('silent normal! ' .. keys .. '"zy')
          local want = vim.fn.getreg('z')
          if mode == 'V' then want = want:gsub('\n$', '') end
          vim.fn.setreg('z', 'kept')
          vim.fn.setreg('"', 'unnamed')
          local from_marks = context.marks().text
          vim.cmd('silent normal! gv')
          local live = context.visual().text
          for kind, got in pairs({ from_marks = from_marks, live = live }) do
            if got ~= want then
              table.insert(wrong, { selection, virtual, kind, keys, lines, want, got })
            end
          end
          if vim.fn.getreg('z') ~= 'kept' or vim.fn.getreg('"') ~= 'unnamed' or vim.fn.mode() ~= 'n' then
            table.insert(wrong, { 'trace', vim.fn.getreg('z'), vim.fn.getreg('"'), vim.fn.mode() })
          end
        end
      end
    end
    return wrong
  ]])
  equal(wrong, {})
end)

T['place, file type and state of what is taken'] = test(nil, function(child)
  local path = child:write('src/ä b.lua', 'one\ntwo\nthree\n')
  child:cmd('edit ' .. vim.fn.fnameescape(path))
  child:lua([[vim.bo.filetype = 'lua']])
  local take = [[require('agor.context').for_session(require('agor.context').lines(0, 2, 3), ...)]]
  equal(child:get(take, child.home .. '/work'), {
    path = 'src/ä b.lua',
    first_line = 2,
    last_line = 3,
    filetype = 'lua',
    text = 'two\nthree',
  })
  equal(child:get(take, '/elsewhere').path, path)
  child:lua([[vim.api.nvim_buf_set_lines(0, 1, 2, false, { 'zwei' })]])
  local changed = child:get(take, child.home .. '/work')
  equal({ changed.text, changed.unsaved }, { 'zwei\nthree', true })
  child:cmd('enew!')
  child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'a', 'b\0c' })]])
  local unnamed =
    child:get([[require('agor.context').for_session(require('agor.context').lines(0, 1, 99), '/')]])
  equal(
    { unnamed.path, unnamed.text, unnamed.last_line, unnamed.unsaved },
    { '', 'a\nb\0c', 2, true }
  )
end)

T['a file of the repository is named as the session in its worktree has it'] = test(
  nil,
  function(child)
    child:write('repo/src/a.lua', 'one\n')
    child:write('repo/b.lua', 'one\n')
    child:write('tree/src/a.lua', 'two\n')
    child:lua(
      [[require('agor.mirror').update({ { session_id = 's', provider = 'demo', started_at = 1, cwd = ... .. '/tree/src',
      worktree = { name = 'w', branch = 'b', path = ... .. '/tree', repository = ... .. '/repo' } } })]],
      child.home .. '/work'
    )
    local named = [[require('agor.context').relative(..., vim.env.HOME .. '/work/tree/src')]]
    equal(child:get(named, child.home .. '/work/repo/src/a.lua'), 'a.lua')
    -- The worktree has no such file: it can only be read where it is.
    equal(child:get(named, child.home .. '/work/repo/b.lua'), child.home .. '/work/repo/b.lua')
  end
)

T["how a command line's range is written decides"] = function()
  local range = require('agor.range')
  for line, want in pairs({
    ["'<,'>Agor send"] = true,
    ["'<,'>AgorSend hi"] = true,
    ["  :'<,'> AgorSend"] = true,
    ["silent '<,'>AgorSend"] = true,
    ["silent! keepjumps '<,'>AgorSend"] = true,
    ['*AgorSend'] = true,
    ["echo 1 | '<,'>AgorSend"] = true,
    ['2,3AgorSend'] = false,
    ['%Agor send'] = false,
    ["'<,.AgorSend"] = false,
    ['.,+2AgorSend'] = false,
  }) do
    assert(range.is_visual(line) == want, line)
  end
  assert(range.is_visual('AgorSend') == nil)
  assert(range.is_visual('echo') == nil)
end

return T
