--- The pane: where it opens, how large it is, and that it disturbs nothing.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local function open(nvim, opts)
  nvim:lua('T.session("s1") local o = ... return require("agor.ui.pane").open("s1", o)', opts or {})
  nvim:settle()
end

local PANE = [[(function()
  local out = { cols = vim.o.columns, lines = vim.o.lines }
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local what = vim.w[win].agor_pane
    if what then
      local pos = vim.api.nvim_win_get_position(win)
      out[what] = {
        win = win, row = pos[1], col = pos[2],
        width = vim.api.nvim_win_get_width(win), height = vim.api.nvim_win_get_height(win),
      }
    end
  end
  return out
end)()]]

T['the pane opens at full height at the right edge, the prompt under the transcript'] = test(
  nil,
  function(nvim)
    open(nvim)
    local pane = nvim:get(PANE)
    equal(pane.transcript.width, 64)
    equal(pane.transcript.col, 160 - 64)
    equal(pane.transcript.row, 0)
    equal(pane.prompt.height, 3)
    equal(pane.prompt.col, pane.transcript.col)
    equal(pane.prompt.row, pane.transcript.row + pane.transcript.height + 1)
    equal(nvim:get('vim.api.nvim_win_get_width(vim.api.nvim_get_current_win())'), 160 - 64 - 1)
  end
)

T['after :edit the pane looks as before'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  open(nvim)
  local looks = [[(function()
    local out = {}
    for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
      local wo = vim.wo[win]
      out[#out + 1] = table.concat({ wo.fillchars, wo.winhighlight, wo.statusline }, ' / ')
    end
    return out
  end)()]]
  local before = nvim:get(looks)
  contains(before[2], 'StatusLine:AgorRule')
  for what in pairs({ transcript = true, prompt = true }) do
    nvim:lua(
      [[for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
        if vim.w[win].agor_pane == ... then
          vim.api.nvim_win_call(win, function() vim.cmd('edit!') end)
        end
      end]],
      what
    )
    nvim:settle()
    equal(nvim:get(looks), before)
  end
end)

T['below 120 columns it opens at the bottom'] = test({ columns = 80, lines = 24 }, function(nvim)
  open(nvim)
  local pane = nvim:get(PANE)
  equal(pane.transcript.width, 80)
  equal(pane.prompt.width, 80)
  equal(pane.prompt.height, 3)
  assert(pane.transcript.height >= 5, nvim:screen())
  assert(pane.transcript.row >= 8, nvim:screen())
end)

T['the cursor stays where it was, without focus'] = test(nil, function(nvim)
  local before = nvim:get('vim.api.nvim_get_current_win()')
  open(nvim)
  equal(nvim:get('vim.api.nvim_get_current_win()'), before)
  equal(nvim:mode(), 'n')
end)

T['with focus it is in the prompt, in insert mode'] = test(nil, function(nvim)
  open(nvim, { focus = 'prompt' })
  equal(nvim:get('vim.bo.filetype'), 'agor-prompt')
  equal(nvim:mode(), 'i')
end)

local LAYOUT = [[
  vim.o.equalalways = ...
  vim.cmd('vsplit | vsplit | wincmd h | split')
  local wins = vim.api.nvim_tabpage_list_wins(0)
  vim.api.nvim_win_set_width(wins[1], 30)
  vim.api.nvim_win_set_width(wins[2], 70)
  vim.api.nvim_win_set_height(wins[2], 10)
]]

for _, equalalways in ipairs({ true, false }) do
  for _, close in ipairs({ 'lua require("agor.ui.pane").close()', 'q', 'toggle by command' }) do
    local name = ('other windows get their sizes back (equalalways %s, %s)'):format(
      equalalways,
      close
    )
    T[name] = test(nil, function(nvim)
      nvim:lua(LAYOUT, equalalways)
      local before = nvim:sizes()
      for _ = 1, 3 do
        open(nvim)
        local pane = nvim:get(PANE)
        equal(pane.transcript.width, 64)
        equal(pane.prompt.height, 3)
        if close == 'q' then
          local back = nvim:get('vim.api.nvim_get_current_win()')
          nvim:lua('vim.api.nvim_set_current_win(...)', pane.transcript.win)
          nvim:cmd('q')
          nvim:settle()
          nvim:lua('vim.api.nvim_set_current_win(...)', back)
        elseif close == 'toggle by command' then
          nvim:lua('require("agor.ui.pane").toggle()')
        else
          nvim:cmd(close)
        end
        nvim:settle()
        equal(nvim:get('require("agor.ui.pane").is_open()'), false)
        equal(nvim:sizes(), before)
      end
    end)
  end
end

T['other windows keep their proportions while it is open'] = test(nil, function(nvim)
  nvim:lua(LAYOUT, true)
  local before = nvim:sizes()
  open(nvim)
  local after = nvim:sizes()
  local whole, room = 160, 160 - 64 - 1
  for win, size in pairs(before) do
    local want = size[1] * room / whole
    assert(math.abs(after[win][1] - want) <= 2, ('%s: %d, not %d'):format(win, after[win][1], want))
    equal(after[win][2], size[2])
  end
end)

T['a window of fixed width keeps it'] = test(nil, function(nvim)
  nvim:lua(
    'vim.cmd("topleft vsplit") vim.api.nvim_win_set_width(0, 25) vim.wo.winfixwidth = true vim.cmd("wincmd l | vsplit")'
  )
  local before = nvim:sizes()
  open(nvim)
  local tree = nvim:get('vim.api.nvim_tabpage_list_wins(0)[1]')
  equal(nvim:get('vim.api.nvim_win_get_width(...)', tree), 25)
  nvim:lua('require("agor.ui.pane").close()')
  equal(nvim:sizes(), before)
end)

T['a bottom pane takes from all rows in proportion and gives back'] = test(
  { columns = 80, lines = 40 },
  function(nvim)
    nvim:lua('vim.cmd("split | vsplit") vim.api.nvim_win_set_height(0, 24)')
    local before = nvim:sizes()
    open(nvim)
    nvim:lua('require("agor.ui.pane").close()')
    equal(nvim:sizes(), before)
  end
)

T['positions'] = function()
  for position, check in pairs({
    left = function(pane)
      return pane.transcript.col == 0 and pane.transcript.width == 64
    end,
    bottom = function(pane)
      return pane.transcript.width == 160 and pane.prompt.row > pane.transcript.row
    end,
    top = function(pane)
      return pane.transcript.row == 0 and pane.transcript.width == 160
    end,
    float = function(pane)
      return pane.transcript.width == 64 and pane.prompt.row > pane.transcript.row
    end,
  }) do
    test(nil, function(nvim)
      nvim:lua('T.config.window.position = ...', position)
      nvim:cmd('vsplit')
      local before = nvim:sizes()
      open(nvim)
      local pane = nvim:get(PANE)
      assert(check(pane), position .. vim.inspect(pane) .. nvim:screen())
      nvim:lua('require("agor.ui.pane").close()')
      equal(nvim:sizes(), before, position)
    end)()
  end
end

T['a pane in a tabpage of its own'] = test(nil, function(nvim)
  nvim:lua('T.config.window.position = "tab"')
  open(nvim)
  equal(nvim:get('vim.fn.tabpagenr("$")'), 2)
  equal(nvim:get('vim.fn.tabpagenr()'), 1)
  open(nvim, { focus = 'prompt' })
  equal(nvim:get('vim.fn.tabpagenr("$")'), 2)
  equal(nvim:get('vim.fn.tabpagenr()'), 2)
  equal(nvim:get('#vim.api.nvim_tabpage_list_wins(0)'), 2)
  nvim:lua('vim.cmd.stopinsert() require("agor.ui.pane").close()')
  equal(nvim:get('vim.fn.tabpagenr("$")'), 1)
end)

T['another file does not get into the pane, and nothing leaks into the next buffer'] = test(
  nil,
  function(nvim)
    nvim:cmd('set number')
    open(nvim)
    local pane = nvim:get(PANE)
    nvim:lua('vim.api.nvim_set_current_win(...)', pane.transcript.win)
    local ok, err = pcall(nvim.cmd, nvim, 'edit README.md')
    equal(ok, false)
    contains(tostring(err), 'E1513')
    equal(nvim:get('vim.wo.number'), false)
    nvim:cmd('new')
    equal(nvim:get('vim.wo.number'), true)
    equal(nvim:get('vim.wo.winfixbuf'), false)
    equal(nvim:get('vim.wo.winbar'), '')
    nvim:cmd('close')
    nvim:lua('vim.api.nvim_set_current_win(...)', pane.transcript.win)
    nvim:cmd('set nowinfixbuf | enew')
    equal(nvim:get('vim.wo.number'), true)
    equal(nvim:get('vim.wo.winbar'), '')
    equal(nvim:get('vim.wo.signcolumn'), 'auto')
    equal(nvim:get('vim.go.wrap'), true)
  end
)

T['options of a code window do not come along'] = test(nil, function(nvim)
  nvim:cmd('setlocal diff scrollbind cursorbind number list spell foldmethod=marker colorcolumn=80')
  open(nvim)
  local win = nvim:get(PANE).transcript.win
  equal(
    nvim:get(
      '(function(w) return { w.diff, w.scrollbind, w.number, w.list, w.spell, w.colorcolumn } end)(vim.wo[...])',
      win
    ),
    { false, false, false, false, false, '' }
  )
end)

T["a user's FileType autocommand has the last word"] = test(nil, function(nvim)
  nvim:cmd('autocmd FileType agor setlocal number nowrap cursorline')
  nvim:cmd('autocmd FileType agor-prompt setlocal number')
  open(nvim)
  local pane = nvim:get(PANE)
  local get = '{ vim.wo[...].number, vim.wo[...].wrap, vim.wo[...].cursorline }'
  equal(nvim:get(get, pane.transcript.win), { true, false, true })
  equal(nvim:get(get, pane.prompt.win), { true, true, false })
  -- And the window in which it ran has kept its own.
  equal(nvim:get('{ vim.wo.number, vim.wo.wrap }'), { false, true })
end)

T['filetype and variables are set before the window opens'] = test(nil, function(nvim)
  nvim:lua([[
    Seen = {}
    vim.api.nvim_create_autocmd('FileType', { pattern = 'agor*', callback = function(e)
      Seen[#Seen + 1] = { e.match, vim.b[e.buf].agor_session, #vim.fn.win_findbuf(e.buf) <= 1 }
    end })
    vim.api.nvim_create_autocmd('BufWinEnter', { callback = function(e)
      Seen[#Seen + 1] = { 'shown', vim.bo[e.buf].filetype }
    end })
  ]])
  open(nvim)
  equal(nvim:get('Seen'), {
    { 'agor', 's1', true },
    { 'agor-prompt', 's1', true },
    { 'shown', 'agor' },
    { 'shown', 'agor-prompt' },
  })
end)

T['buffers have the promised names and options'] = test(nil, function(nvim)
  open(nvim)
  for _, name in ipairs({ 'agor://s1', 'agor://s1/prompt' }) do
    equal(
      nvim:get(
        [[(function(name)
        local buf = vim.fn.bufnr('^' .. name .. '$')
        local bo = vim.bo[buf]
        return { bo.buftype, bo.bufhidden, bo.buflisted, bo.swapfile, bo.undofile, bo.modeline }
      end)(...)]],
        name
      ),
      { 'nofile', 'hide', false, false, false, false },
      name
    )
  end
  equal(nvim:get('vim.bo[vim.fn.bufnr("^agor://s1$")].modifiable'), false)
end)

T['the windows are fixed'] = test(nil, function(nvim)
  open(nvim)
  for _, what in ipairs({ 'transcript', 'prompt' }) do
    local win = nvim:get(PANE)[what].win
    equal(
      nvim:get(
        '(function(w) return { w.winfixbuf, w.winfixwidth, w.winfixheight } end)(vim.wo[...])',
        win
      ),
      { true, true, true },
      what
    )
  end
end)

T['each tabpage has a pane of its own'] = test(nil, function(nvim)
  open(nvim)
  nvim:cmd('tabnew')
  equal(nvim:get('require("agor.ui.pane").is_open()'), false)
  open(nvim)
  equal(nvim:get('require("agor.ui.pane").is_open()'), true)
  equal(nvim:get('#vim.fn.win_findbuf(vim.fn.bufnr("^agor://s1$"))'), 2)
  nvim:lua('require("agor.ui.pane").close()')
  nvim:cmd('tabnext')
  equal(nvim:get('require("agor.ui.pane").is_open()'), true)
end)

T['a second session takes the place of the first'] = test(nil, function(nvim)
  open(nvim)
  local before = nvim:get(PANE)
  nvim:lua('T.session("s2") require("agor.ui.pane").show("s2")')
  local after = nvim:get(PANE)
  equal(after.transcript.win, before.transcript.win)
  equal(after.prompt.win, before.prompt.win)
  equal(
    nvim:get('vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(...))', after.transcript.win),
    'agor://s2'
  )
  equal(
    nvim:get('vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(...))', after.prompt.win),
    'agor://s2/prompt'
  )
  equal(nvim:get('vim.fn.bufexists("agor://s1")'), 1)
end)

T['only in a file window closes the pane'] = test(nil, function(nvim)
  open(nvim)
  nvim:cmd('only')
  nvim:settle()
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  open(nvim)
  equal(nvim:get('#vim.api.nvim_list_wins()'), 3)
end)

T['only in the prompt keeps the prompt, and the transcript comes back'] = test(nil, function(nvim)
  open(nvim, { focus = 'prompt' })
  nvim:cmd('stopinsert | only')
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), 'agor-prompt')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  open(nvim)
  equal(nvim:get('#vim.api.nvim_list_wins()'), 2)
  equal(nvim:get(PANE).transcript ~= nil, true)
end)

T['only in the transcript keeps the transcript'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('vim.api.nvim_set_current_win(...)', nvim:get(PANE).transcript.win)
  nvim:cmd('only')
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), 'agor')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  nvim:type('q')
  equal(
    nvim:get('{ vim.bo.filetype, vim.bo.buftype, vim.api.nvim_buf_get_name(0), vim.bo.buflisted }'),
    { '', '', '', true }
  )
  equal(nvim:get('{ vim.wo.winfixbuf, vim.wo.winfixwidth, vim.wo.winbar }'), { false, false, '' })
end)

T['q with only the pane left shows an empty buffer'] = test(nil, function(nvim)
  local file = nvim:get('vim.api.nvim_get_current_win()')
  open(nvim)
  nvim:lua('vim.api.nvim_win_close(..., true)', file)
  nvim:settle()
  nvim:lua('vim.api.nvim_set_current_win(...)', nvim:get(PANE).transcript.win)
  nvim:type('q')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  equal(nvim:get('{ vim.bo.filetype, vim.bo.buftype }'), { '', '' })
  equal(nvim:get('T.messages'), {})
end)

T['quitting the prompt leaves the transcript, and open brings it back'] = test(nil, function(nvim)
  open(nvim, { focus = 'prompt' })
  nvim:cmd('stopinsert | q')
  nvim:settle()
  local pane = nvim:get(PANE)
  equal(pane.prompt, nil)
  equal(pane.transcript.width, 64)
  open(nvim)
  equal(nvim:get(PANE).prompt.height, 3)
end)

T['a transcript beside the pane by vsplit'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  open(nvim)
  nvim:lua('T.session("s2")')
  nvim:cmd('vsplit agor://s2')
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), 'agor')
  equal(nvim:get('vim.wo.winfixbuf'), false)
  equal(nvim:get('vim.wo.number'), false)
  contains(nvim:get('vim.wo.winbar'), 'claude')
  nvim:type('q')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 3)
  equal(nvim:get('require("agor.ui.pane").is_open()'), true)
end)

T['the backend hears which transcripts are shown, once for each change'] = test(nil, function(nvim)
  open(nvim)
  local views = nvim:get('T.told("views")')
  local last = views[#views].views
  equal(#last, 1)
  equal({ last[1].session_id, last[1].width, last[1].focused }, { 's1', 63, false })
  equal(views[#views].icons, 'unicode')
  nvim:lua('T.paint("s1", {"x"})')
  local count = #views
  nvim:cmd('wincmd l')
  nvim:settle()
  views = nvim:get('T.told("views")')
  equal(#views, count + 1)
  equal(views[#views].views[1].focused, true)
  nvim:lua('vim.api.nvim_exec_autocmds("WinResized", {})')
  nvim:settle()
  equal(#nvim:get('T.told("views")'), count + 1)
  nvim:cmd('tabnew')
  nvim:settle()
  views = nvim:get('T.told("views")')
  equal(views[#views].views, {})
end)

T['in the command-line window it says what to do'] = test(nil, function(nvim)
  nvim:lua('T.session("s1")')
  nvim:type('q:')
  local result = nvim:lua('return { require("agor.ui.pane").open("s1") }')
  equal(result[1], false)
  contains(result[2], 'command-line window')
end)

T['a float pane moves with the screen'] = test(nil, function(nvim)
  nvim:lua('T.config.window.position = "float" T.config.window.width = 0.9')
  open(nvim)
  nvim:cmd('set columns=100 lines=30')
  nvim:settle()
  local pane = nvim:get(PANE)
  assert(pane.transcript.col + pane.transcript.width <= 100, nvim:screen())
  assert(pane.prompt.row + pane.prompt.height <= 30, nvim:screen())
end)

T['a prompt names no buffer where all windows have a bar'] = test(nil, function(nvim)
  nvim:cmd('set winbar=%f\\ of\\ mine')
  open(nvim)
  local screen = nvim:screen()
  lacks(screen, 'prompt of mine')
  contains(screen, 'of mine')
  contains(screen, ' prompt')
end)

T['the rule above the prompt stands however status lines are shown'] = test(nil, function(nvim)
  nvim:cmd('set laststatus=3')
  open(nvim)
  local function rule(what)
    local row = nvim:get('vim.fn.win_screenpos(vim.fn.bufwinid("agor://s1/prompt"))[1]') - 1
    local line = vim.split(nvim:screen(), '\n')[row]
    assert(line:find(('─'):rep(40), 1, true), what .. ': ' .. line)
  end
  for _, status in ipairs({ 3, 2, 1, 3 }) do
    nvim:cmd('set laststatus=' .. status)
    nvim:settle()
    rule('laststatus=' .. status)
  end
end)

return T
