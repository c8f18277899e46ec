import './style/base.css';
import './style/frame.css';
import './style/parts.css';
import './style/views.css';
import { render } from 'preact';
import { App } from './app';
import { applyTheme } from './theme';

applyTheme();
render(<App />, document.getElementById('page')!);
